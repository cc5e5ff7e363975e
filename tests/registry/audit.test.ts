/** The audit tells of whatever was done past it: to entries, and to what they made. */
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { aboutRun, author, ended, newRun, publishing } from '../../src/testing/batch-store-tools.ts'
import type { Stage } from './stage.ts'
import { ana, ben, registered, stage, toProduction } from './stage.ts'

let s: Stage
beforeEach(async () => {
  s = await stage()
})
afterEach(() => s.close())

/** By hand, as whoever has the file could. */
function edit(...statements: readonly string[]): void {
  const database = new Database(join(s.folder, 'metadata.sqlite'))
  try {
    for (const one of statements) database.exec(one)
  } finally {
    database.close()
  }
}
const problems = async (): Promise<readonly string[]> => (await s.registry.verifyAudit(() => {})).problems

/** Two versions that went live, an alias, a model of its own that was renamed, and one that was deleted. */
async function lived(): Promise<void> {
  for (let i = 0; i < 2; i++) await s.registry.add('eta', await s.file(), toProduction, ana)
  await s.registry.setAlias('eta', 'champion', 1, undefined, ben)
  await s.registry.setAlias('eta', 'champion', 2, 1, ben)
  await s.registry.rollback('eta', null, ben)
  const plain = { description: null, tags: {} }
  await s.registry.change({ kind: 'model.created', model: 'old', ...plain }, ana)
  await s.registry.change({ kind: 'model.renamed', model: 'old', to: 'new' }, ana)
  await s.registry.change({ kind: 'model.created', model: 'gone', ...plain }, ana)
  await s.registry.change({ kind: 'model.deleted', model: 'gone' }, ana)
  const { version } = await s.registry.add('strict', await s.file(), registered, ana)
  await s.registry.setAlias('strict', 'first', version.version, undefined, ana)
  await s.registry.change({ kind: 'version.deleted', model: 'strict', version: version.version }, ana)
}

test('one that was left alone is whole, and tells its newest hash', async () => {
  expect(await s.registry.verifyAudit(() => {})).toEqual({ ok: true, entries: 0, head: '0'.repeat(64), problems: [] })
  await lived()
  const [newest] = await s.registry.audit({ limit: 1 })
  let done = 0
  const verified = await s.registry.verifyAudit((share) => {
    done = share
  })
  expect(verified).toEqual({ ok: true, entries: newest!.number, head: newest!.hash, problems: [] })
  expect(done).toBe(1)
})

describe('an entry', () => {
  beforeEach(lived)
  test.each<[string, string, RegExp]>([
    [
      'whose reason was changed',
      "UPDATE audit SET reason = 'asked to' WHERE number = 3",
      /^Entry 3 was changed: stage\.changed of 'eta' version 1, by local:ana,/,
    ],
    ['whose author was changed', "UPDATE audit SET actor = 'local:ben' WHERE number = 4", /^Entry 4 was changed/],
    ['whose instant was changed', 'UPDATE audit SET at = at + 1 WHERE number = 1', /^Entry 1 was changed/],
    [
      'whose details were changed',
      "UPDATE audit SET details = replace(details, 'staging', 'archived') WHERE number = 4",
      /^Entry 4 was changed/,
    ],
    ['that was taken out', 'DELETE FROM audit WHERE number = 6', /^Entry 6 is missing\.$/],
    [
      'of several that were taken out',
      'DELETE FROM audit WHERE number BETWEEN 6 AND 8',
      /^Entries 6 to 8 are missing\.$/,
    ],
    [
      'that was taken out, the others moved up',
      'DELETE FROM audit WHERE number = 6; UPDATE audit SET number = number - 1000 WHERE number > 6; UPDATE audit SET number = number + 999 WHERE number < 0',
      /^Entry 6 does not follow entry 5/,
    ],
    ['with another hash', `UPDATE audit SET hash = '${'a'.repeat(64)}' WHERE number = 2`, /^Entry 2 was changed/],
  ])('%s', async (_, statement, words) => {
    edit(statement)
    expect((await problems())[0]).toMatch(words)
  })

  test('that was cut off the end shows by the hash that was kept elsewhere', async () => {
    const { head, entries } = await s.registry.verifyAudit(() => {})
    edit(`DELETE FROM audit WHERE number = ${entries}`)
    const cut = await s.registry.verifyAudit(() => {})
    expect(cut.head).not.toBe(head)
    // What it had done shows as well.
    expect(cut.problems).toContain("Version 1 of 'strict' is gone, and no entry says so.")
  })
})

describe('what there is', () => {
  beforeEach(lived)
  test.each<[string, string, RegExp]>([
    [
      'a stage',
      `UPDATE registered_version SET places = replace(places, 'production', 'staging') WHERE version = 1`,
      /^Version 1 of 'eta' is staging in 'default'; by the audit it is production\.$/,
    ],
    [
      'a validation',
      `UPDATE registered_version SET validated = 0 WHERE version = 2`,
      /^Version 2 of 'eta' is not validated; by the audit it is\.$/,
    ],
    [
      'an alias',
      `UPDATE registered_model SET aliases = '{"champion":1}' WHERE name = 'eta'`,
      /^The alias 'champion' of 'eta' names version 1; by the audit it is version 2\.$/,
    ],
    [
      'an alias that is new',
      `UPDATE registered_model SET aliases = '{"champion":2,"best":1}' WHERE name = 'eta'`,
      /^The alias 'best' of 'eta' names version 1, and no entry says so\.$/,
    ],
    [
      'an alias that is gone',
      `UPDATE registered_model SET aliases = '{}' WHERE name = 'eta'`,
      /^The alias 'champion' of 'eta' names nothing; by the audit it is version 2\.$/,
    ],
    [
      'a manifest',
      `UPDATE registered_version SET manifest = '${'b'.repeat(64)}' WHERE version = 1`,
      /^Version 1 of 'eta' has the manifest bbb/,
    ],
    [
      'a version that is gone',
      `DELETE FROM registered_version WHERE version = 2`,
      /^Version 2 of 'eta' is gone, and no entry says so\.$/,
    ],
    [
      'evidence that is gone',
      `DELETE FROM evidence WHERE version = 2`,
      /^Evidence [0-9a-f]{64} of version 2 of 'eta' is gone/,
    ],
    [
      'a model under another name',
      `UPDATE registered_model SET name = 'else' WHERE name = 'new'`,
      /^The model 'new' is gone, and no entry says so\.$/,
    ],
    [
      'a key that nobody made',
      `INSERT INTO access_key (id, document) VALUES ('sxk_1', '{"id":"sxk_1","name":"x","hash":"0","role":"admin","models":[],"expiresAt":null,"createdBy":"x","at":1}')`,
      /^The key 'sxk_1' is there, and no entry says so\.$/,
    ],
  ])('%s', async (_, statement, words) => {
    edit(statement)
    expect((await problems())[0]).toMatch(words)
  })
})

describe('what is live of a batch', () => {
  beforeEach(async () => {
    await s.registry.add('eta', await s.file(), toProduction, ana)
    const of = { model: 'eta', modelVersion: 1 }
    const { batches, registry } = s.metadata
    const [first, second] = [await ended(batches, 'passed', of), await ended(batches, 'refused', of)]
    await registry.change(publishing(first, null), author(1_000))
    await registry.change(publishing(second, 1, { verdict: 'overridden' }), author(2_000))
    await registry.change({ kind: 'batch.failed', ...aboutRun(await batches.begin(newRun(of))), error }, author(3_000))
  })
  const error = { code: 'SX_X', message: 'broken' }

  test('follows from the audit, and is no part of what happened to the version of the model', async () => {
    expect(await s.registry.verifyAudit(() => {})).toMatchObject({ ok: true, problems: [] })
    const { history } = await s.registry.version('eta', '1')
    expect(history.filter(({ action }) => action.startsWith('batch.'))).toEqual([])
    expect(history.length).toBeGreaterThan(2)
    const entries = await s.registry.audit({ model: 'eta', version: 1, actions: ['batch.published'], limit: 9 })
    expect(entries.map(({ details }) => details['batchVersion'])).toEqual([2, 1])
  })

  test.each([
    ['another version', `UPDATE batches_live SET version = 1, run = (SELECT id FROM batches_run WHERE version = 1)`, 2],
    ['another run', `UPDATE batches_live SET run = 'x'`, 2],
    ['none', 'DELETE FROM batches_live', null],
    ['one of another batch', `INSERT INTO batches_live VALUES ('here', 'another', 1, 'x', 1, NULL)`, 0],
  ])('shows where it is %s', async (_, statement, words) => {
    edit(statement)
    const found = await problems()
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(
      words === null
        ? /^No version of the batch 'delays' is live in 'here'; by the audit it is version 2\.$/
        : words === 0
          ? /^Version 1 of the batch 'another' is live in 'here'; by the audit none is\.$/
          : /^Version \d of the batch 'delays' is live in 'here'; by the audit it is version 2, run [0-9a-f]{32}\.$/,
    )
  })
})

test('while others go on changing things, nothing is found that is not so', async () => {
  await lived()
  const beside = await s.beside()
  let going = true
  const changing = (async () => {
    for (let i = 0; going; i++) {
      await beside.setAlias('eta', `a${i % 3}`, (i % 2) + 1, undefined, ben)
      await beside.add('eta', await s.file(), registered, ben)
    }
  })()
  for (let i = 0; i < 20; i++) expect((await s.registry.verifyAudit(() => {})).problems).toEqual([])
  edit(`UPDATE registered_model SET aliases = '{"wrong":1}' WHERE name = 'new'`)
  expect(await problems()).toEqual(["The alias 'wrong' of 'new' names version 1, and no entry says so."])
  going = false
  await changing
})

test('more than a page of entries, and a break far behind', async () => {
  await s.registry.change({ kind: 'model.created', model: 'many', description: null, tags: {} }, ana)
  for (let i = 0; i < 2_100; i += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, k) =>
        s.registry.change({ kind: 'model.tagged', model: 'many', key: `k${(i + k) % 7}`, value: String(i) }, ana),
      ),
    )
  expect(await s.registry.verifyAudit(() => {})).toMatchObject({ ok: true, entries: 2_101 })
  edit("UPDATE audit SET actor = 'nobody' WHERE number = 2050")
  const { ok, problems: found } = await s.registry.verifyAudit(() => {})
  expect(ok).toBe(false)
  expect(found).toEqual([expect.stringMatching(/^Entry 2050 was changed/)])
})

test('a model of more versions than one list holds, and others are let in between', { timeout: 120_000 }, async () => {
  const count = 10_050
  const register = (i: number) =>
    s.registry.register(
      {
        ...{ model: 'many', create: true, files: [], entry: null, flavor: null, facts: {}, source: `s3://bucket/${i}` },
        ...{ run: null, runLink: null, loggedModel: null, description: null, tags: {}, unlessNewest: false },
      },
      ana,
    )
  for (let i = 0; i < count; i += 201) await Promise.all(Array.from({ length: 201 }, (_, k) => register(i + k)))
  let [longest, before] = [0, performance.now()]
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - before)
    before = performance.now()
  }, 1)
  const found = await s.registry.verifyAudit(() => {})
  clearInterval(timer)
  expect(found).toMatchObject({ ok: true, problems: [] })
  expect(found.entries).toBeGreaterThanOrEqual(count)
  process.stderr.write(`${found.entries} entries verified; others waited ${longest.toFixed(0)} ms at most\n`)
  expect(longest).toBeLessThan(1_000)
})
