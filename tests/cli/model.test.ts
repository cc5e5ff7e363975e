/** Models on the command line: adding, looking, moving, going back, and what is refused. */
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { linearModel } from './onnx.ts'
import type { Project, Ran } from './project.ts'
import { platformText, project } from './project.ts'

/** Some call the program a dozen times. */
vi.setConfig({ testTimeout: 240_000 })

let p: Project
beforeAll(async () => {
  p = await project()
})
afterAll(() => p.dispose())

const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await p.run(...args, '--json')).out) as Record<string, unknown>
const done = async (...args: readonly string[]): Promise<string> => {
  const { code, out, err } = await p.run(...args)
  expect({ code, err: code === 0 ? '' : err }, args.join(' ')).toEqual({ code: 0, err: '' })
  return out
}
const file = async (name: string, slope: number): Promise<string> => {
  await p.write(name, linearModel('minutes', [1, slope], 0.5))
  return name
}

test('a model without a version says how to add one', async () => {
  expect(await p.run('model', 'list', 'eta')).toEqual({
    code: 0,
    out: 'eta has no version: its fallback answers. Add one: sixfold model add eta FILE\n',
    err: '',
  })
})

test('a file goes live at once, is known again by its contents, and the one before is archived', async () => {
  expect(await done('model', 'add', 'eta', 'eta.onnx', '--note', 'by hand')).toMatch(
    /^eta version 1: \d+ B, manifest [0-9a-f]{12}, production\n {2}input x: float32\[\?, 2\]\n {2}output minutes: float32\[\?, 1\]\n$/,
  )
  expect(await done('model', 'add', 'eta', await file('copy.onnx', 2))).toMatch(
    /^eta version 1, which was there already: /,
  )
  expect(await json('model', 'add', 'eta', await file('better.onnx', 3))).toMatchObject({
    ok: true,
    added: true,
    stage: 'production',
    stopped: null,
    version: {
      model: 'eta',
      version: 2,
      manifest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      description: null,
    },
  })
  expect(await done('model', 'list', 'eta')).toMatch(
    /^version +stage +added +by +size +manifest +aliases +description\n-.*\n2 +production +20\S+ +local:\S+ +\d+ B +[0-9a-f]{12}\n1 +archived +20\S+ +local:\S+ +\d+ B +[0-9a-f]{12} +by hand\n$/,
  )
  expect(await json('model', 'list', 'eta')).toMatchObject({ versions: [{ version: 2 }, { version: 1 }] })
  expect(await done('model', 'list')).toMatch(/\neta +yes +2 +2 +2 +– *\n$/)
})

test('a version is moved on step by step, with what that does said first', async () => {
  expect(await json('model', 'add', 'eta', await file('third.onnx', 4), '--to', 'validated')).toMatchObject({
    stage: 'validated',
  })
  expect(await done('model', 'promote', 'eta', 'latest', '--to', 'staging')).toBe(
    'Done: eta version 3 is in staging.\n',
  )
  const would = await p.run('model', 'promote', 'eta', '3', '--dry-run')
  expect(would.code).toBe(0)
  expect(would.out).toMatch(/^eta version 3: staging → production\n {2}✓ validation: Validated by local:/)
  expect(would.out).toMatch(
    / {2}→ Version 3 answers every prediction of 'eta' in 'default' from the next second on\.\n {2}→ Version 2 no longer answers, and is archived; it can be rolled back to at once\.\n$/,
  )
  expect(await json('model', 'list', 'eta')).toMatchObject({
    versions: [{ stage: 'staging' }, { stage: 'production' }, {}],
  })
  const moved = await p.run('model', 'promote', 'eta', '3', '--reason', 'better at night', '--expected', '2')
  expect(moved).toMatchObject({ code: 0, out: 'Done: eta version 3 is in production.\n' })
  expect(moved.err).toContain('Version 2 no longer answers')
  const shown = await done('model', 'show', 'eta', 'production')
  expect(shown).toContain('✓ registered ── ✓ validated ── ✓ staging ── ● production ── ○ archived')
  expect(shown).toMatch(/not recorded +data, configuration, evaluation/)
  expect(shown).toMatch(/ {2}✓ loads: /)
  expect(await done('model', 'history', 'eta')).toMatch(
    /^in production .*\n-.*\nversion 3 +\S+ +now +local:\S+ +promoted +better at night\n/,
  )
})

test('a roll back goes back, and says to what', async () => {
  expect(await done('model', 'rollback', 'eta', '--dry-run')).toContain(
    '→ Version 3 no longer answers, and is archived',
  )
  expect(await done('model', 'rollback', 'eta', '--reason', 'wrong')).toBe(
    'Done: eta version 2 answers again, and version 3 no longer.\n',
  )
  const { code, err } = await p.run('model', 'rollback', 'eta', '2')
  expect(code).toBe(1)
  expect(err).toMatch(/^SX_STAGE_INVALID: Version 2 of 'eta' is in production already\./)
})

test('aliases, differences and cards', async () => {
  expect(await done('model', 'alias', 'eta', 'champion', 'production')).toBe('champion → version 2\n')
  expect((await p.run('model', 'alias', 'eta', 'champion', '1', '--expected', '3')).err).toMatch(
    /^SX_REGISTRY_CONFLICT: /,
  )
  expect(await done('model', 'diff', 'eta', 'champion', '3')).toMatch(
    /^eta version 2 → version 3\nartifact\n {2}file model\.onnx has other contents: .*\nthe same: schema, preprocessing, data,/,
  )
  expect(await done('model', 'alias', 'eta', 'champion', '--delete')).toBe('eta has no alias.\n')
  expect((await p.run('model', 'alias', 'eta', 'latest', '1')).err).toMatch(
    /^SX_REQUEST_INVALID: 'latest' names the newest/,
  )
  expect(await done('model', 'card', 'eta', '2')).toMatch(/^# eta/)
  expect(await done('model', 'card', 'eta', '2', '--html', '--out', 'card.html')).toBe(
    'The card of eta version 2 is in card.html.\n',
  )
})

test('versions and models are found by a filter', async () => {
  expect(await done('model', 'search', "name = 'eta' AND version_number < 2")).toMatch(
    /^model .*\n-.*\neta +1 +archived .* by hand\n$/,
  )
  expect(await done('model', 'search', "name LIKE 'x%'")).toBe('No version is like that.\n')
  expect(await done('model', 'search', "name ILIKE 'ET%'", '--models')).toMatch(/\neta +yes +3 +3 +2 /)
  const { code, err } = await p.run('model', 'search', 'name ~ 3')
  expect(code).toBe(1)
  expect(err).toMatch(/^SX_FILTER_INVALID: /)
})

test('what is deleted is collected, and the audit tells all of it', async () => {
  expect(await done('model', 'delete', 'eta', '3')).toBe('Deleted: eta version 3.\n')
  expect((await p.run('model', 'delete', 'eta', '2')).err).toMatch(
    /^SX_MODEL_IN_USE: Version 2 of 'eta' is in production/,
  )
  const would = (await json('model', 'gc', '--dry-run')) as {
    readonly artifacts: readonly { readonly sha256: string }[]
  }
  expect(would.artifacts.length).toBeGreaterThan(0)
  expect(await json('model', 'gc')).toEqual({ ...would, dryRun: false })
  expect(await done('model', 'gc')).toMatch(/^Deleted 0 files, 0 B\. \d+ files in use/)
  expect(await done('audit', 'verify')).toMatch(
    /^The audit is whole: \d+ entries, .*\nThe newest has the hash [0-9a-f]{64}/,
  )
  expect(await done('audit', 'list', '--limit', '2')).toMatch(/artifacts\.collected.*\n.*version\.deleted +eta 3/)
})

test('of two who promote at once one wins, and the other is told who', async () => {
  for (const slope of [7, 8])
    await done('model', 'add', 'eta', await file(`race-${slope}.onnx`, slope), '--to', 'staging')
  const { versions } = (await json('model', 'list', 'eta')) as {
    readonly versions: readonly { readonly version: number }[]
  }
  const [a, b] = versions.map(({ version }) => String(version))
  const ran = await Promise.all(
    [a!, b!].map((version) => p.run('model', 'promote', 'eta', version, '--expected', '2', '--json')),
  )
  const told = ran.map(
    ({ out }) =>
      JSON.parse(out) as { readonly ok?: boolean; readonly error?: { readonly code: string; readonly detail: string } },
  )
  expect(told.filter(({ ok }) => ok)).toHaveLength(1)
  const { error } = told.find(({ ok }) => !ok)!
  expect(error).toMatchObject({
    code: 'SX_REGISTRY_CONFLICT',
    detail: expect.stringContaining('The last change was by local:') as string,
  })
})

describe('a gate that refuses', () => {
  let strict: Project
  beforeAll(async () => {
    strict = await project(
      platformText
        .replace('import { count', 'import { gate, count')
        .replace(
          'export default platform({ ',
          "const etaGate = gate(eta, { require: { staging: ['data'] }, approvals: { production: 1 } })\nexport default platform({ etaGate, ",
        ),
    )
  })
  afterAll(() => strict.dispose())

  test('is a result with what is missing, and the exit code 1', async () => {
    const added = await strict.run('model', 'add', 'eta', 'eta.onnx')
    expect(added.code).toBe(1)
    expect(added.out).toMatch(/^eta version 1: .*, validated\n/)
    expect(added.out).toContain('eta version 1: validated → staging, which its gate refuses')
    expect(added.out).toContain('✗ fact: data: Not recorded: data.')
    await writeFile(strict.path('facts.json'), JSON.stringify({ data: { pointer: 'x.parquet', hash: 'abc', rows: 3 } }))
    const again = await strict.run('model', 'add', 'eta', 'eta.onnx', '--facts', 'facts.json', '--json')
    expect(again.code).toBe(1)
    expect(JSON.parse(again.out)).toMatchObject({
      ok: false,
      stage: 'staging',
      stopped: { to: 'production', allowed: false },
    })
    const promoted = await strict.run('model', 'promote', 'eta', '2')
    expect(promoted).toMatchObject({ code: 1, err: '' })
    expect(promoted.out).toMatch(/✗ approval: production: Another person has to approve; so far nobody yet\./)
    // Whoever asks is nobody else.
    await strict.run('model', 'approve', 'eta', '2')
    expect((await strict.run('model', 'promote', 'eta', '2', '--json')).code).toBe(1)
  })
})

describe('what is refused changes nothing', () => {
  test.each([
    [['etta', 'eta.onnx'], 4, /^SX_UNKNOWN_MODEL: There is no model 'etta'\. Did you mean 'eta'\?\n {2}→ /],
    [['eta', 'lost.onnx'], 1, /^SX_ARTIFACT_INVALID: '.*lost\.onnx' is no file\.\n {2}→ Name an ONNX file\.\n$/],
    [
      ['eta', 'platform.ts'],
      1,
      /^SX_ARTIFACT_INVALID: '.*platform\.ts' cannot be used: it is a text, no ONNX model\.\n {2}→ /,
    ],
    [['eta', 'wide.onnx'], 1, /^SX_SIGNATURE_MISMATCH: .*3 columns.*2 entries.*: mean_ever, km\n? ?.*\n {2}→ /],
    [['eta', 'eta.onnx', '--to', 'prod'], 2, /^SX_USAGE: There is no stage 'prod'\./],
    [
      ['eta', 'eta.onnx', '--facts', 'package.json'],
      1,
      /^SX_REQUEST_INVALID: The facts have a member 'type' that means nothing/,
    ],
  ])('%j', async (args, exit, said) => {
    await p.write('wide.onnx', linearModel('minutes', [1, 2, 3], 0.5))
    const before = (await p.run('model', 'list', 'eta', '--json')).out
    const { code, out, err }: Ran = await p.run('model', 'add', ...args)
    expect({ code, out }).toEqual({ code: exit, out: '' })
    expect(err).toMatch(said)
    expect((await p.run('model', 'list', 'eta', '--json')).out).toBe(before)
  })

  test('model list of no model', async () => {
    const { code, out } = await p.run('model', 'list', 'etta', '--json')
    expect(code).toBe(4)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'SX_UNKNOWN_MODEL', status: 404, retry: false } })
  })
})
