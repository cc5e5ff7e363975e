/** The registry's routes, before real stores: what each answers, each error by its code, and whatever a stranger sends. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linear, table } from '../models/graphs.ts'
import { runs } from '../parity/runs.ts'
import type { Answer, Service } from './service.ts'
import { expectProblem, service } from './service.ts'

const adminKey = 'an-admin-key-of-thirty-two-signs'
const base = '/v1/registry'
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
let server: Service

beforeAll(async () => {
  server = await service({ adminKey })
  for (const bias of [0, 1, 2]) await server.add('eta', linear([1, 1], bias))
})
afterAll(() => server.close())

const read = (path: string): Promise<Answer> => server.get(base + path)
const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  answer(
    fetch(server.url + base + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
async function answer(asked: Promise<Response>): Promise<Answer> {
  const response = await asked
  const text = await response.text()
  const isJson = (response.headers.get('content-type') ?? '').includes('json')
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null }
}
const ok = async (asked: Promise<Answer>) => {
  const { status, json, text } = await asked
  expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' })
  return json
}
const production = async (model = 'eta'): Promise<number | null> => (await ok(read(`/models/${model}`))).production

describe('reads', () => {
  test('who asks, and what they may', async () => {
    expect(await ok(read('/access'))).toEqual({
      required: false,
      environment: 'default',
      actor: 'anyone',
      role: 'admin',
      rights: ['read', 'predict', 'write', 'approve', 'admin'],
      models: [],
    })
  })

  test('all models, also those that have no version, by name', async () => {
    const { environment, models, more } = await ok(read('/models'))
    expect({ environment, more }).toEqual({ environment: 'default', more: false })
    expect(models.map(({ name }: { name: string }) => name)).toEqual(['eta', 'late', 'vehicle'])
    expect(models[0]).toMatchObject({ defined: true, versions: 3, newest: 3, production: 3, staging: [] })
    expect(models[0].createdAt).toMatch(instant)
    expect(models[1]).toMatchObject({ defined: true, versions: 0, newest: null, production: null })
  })

  test('in pages, and through a filter', async () => {
    const first = await ok(read('/models?limit=2'))
    const second = await ok(read('/models?limit=2&page=2'))
    const names = (page: { models: { name: string }[] }) => page.models.map(({ name }) => name)
    // Those that have no version yet come first.
    expect([names(first), first.more, names(second), second.more]).toEqual([['late', 'vehicle'], true, ['eta'], false])
    const found = await ok(read(`/models?filter=${encodeURIComponent("name ILIKE '%ET%'")}`))
    expect(names(found)).toEqual(['eta'])
  })

  test.each([
    ['limit=0', 'SX_REQUEST_INVALID', 'limit'],
    ['limit=1001', 'SX_REQUEST_INVALID', 'limit'],
    ['limit=two', 'SX_REQUEST_INVALID', 'two'],
    ['page=-1', 'SX_REQUEST_INVALID', 'page'],
    ['page=1e9', 'SX_REQUEST_INVALID', '1e9'],
    ['filter=name&filter=name', 'SX_REQUEST_INVALID', 'filter'],
    ['fliter=x', 'SX_REQUEST_INVALID', "'filter'"],
    ['filter=nonsense', 'SX_FILTER_INVALID', ''],
    [`filter=${encodeURIComponent("name = 'a' OR 1 = 1")}`, 'SX_FILTER_INVALID', ''],
    [`filter=${'x'.repeat(8_000)}`, 'SX_FILTER_INVALID', ''],
  ] as const)('models?%.40s is refused: %s', async (query, code, names) => {
    expectProblem(await read(`/models?${query}`), 400, code, names)
  })

  test('a model: its gate, versions, and what was in production when', async () => {
    const model = await ok(read('/models/eta'))
    expect(model.list.map(({ version }: { version: number }) => version)).toEqual([3, 2, 1])
    expect(model.list[0]).toMatchObject({ stage: 'production', flavor: 'onnx' })
    expect(model.productions.map(({ version }: { version: number }) => version)).toEqual([3, 2, 1])
    expect(model.productions[0]).toMatchObject({ until: null, rollback: false })
    for (const text of [model.list[0].at, model.productions[0].from, model.productions[1].until])
      expect(text).toMatch(instant)
    expect(model.gate.map(({ stage }: { stage: string }) => stage)).toEqual(['validated', 'staging', 'production'])
  })

  test('a version, by number, stage and newest: facts, evidence, ways and history', async () => {
    const version = await ok(read('/models/eta/versions/3'))
    for (const which of ['production', 'latest'])
      expect(await ok(read(`/models/eta/versions/${which}`))).toEqual(version)
    expect(version).toMatchObject({ version: 3, stage: 'production', validated: true })
    expect(Object.keys(version.facts)).toHaveLength(7)
    expect(version.missing).toContain('data')
    expect(version.files).toEqual([
      { path: 'model.onnx', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: expect.any(Number) },
    ])
    expect(version.evidence[0]).toMatchObject({ kind: 'validation', passed: true, at: expect.stringMatching(instant) })
    expect(version.places.default.at).toMatch(instant)
    expect(version.ways.map(({ to }: { to: string }) => to)).toEqual(['archived'])
    expect(version.history.map(({ action }: { action: string }) => action)).toEqual([
      'stage.changed',
      'stage.changed',
      'stage.changed',
      'evidence.recorded',
      'version.registered',
    ])
  })

  test('what a step would do, with nothing done', async () => {
    const consequence = await ok(read('/models/eta/versions/3/consider?to=archived'))
    expect(consequence).toMatchObject({ from: 'production', to: 'archived', allowed: true })
    expect(consequence.effects.length).toBeGreaterThan(0)
    expect(await production()).toBe(3)
  })

  test('the difference between two versions', async () => {
    const { facts } = await ok(read('/models/eta/diff?a=1&b=latest'))
    expect(facts).toHaveLength(7)
    const artifact = facts.find(({ fact }: { fact: string }) => fact === 'artifact')
    expect(artifact.equal).toBe(false)
    expect(artifact.changes[0].words).toMatch(/\S/)
  })

  test('the card, as a page that may do nothing, and as Markdown', async () => {
    const page = await answer(
      fetch(`${server.url}${base}/models/eta/versions/3/card`, { headers: { accept: 'text/html' } }),
    )
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page.headers.get('vary')).toContain('accept')
    expect(page.text).toContain('eta')
    const text = await answer(
      fetch(`${server.url}${base}/models/eta/versions/3/card`, { headers: { accept: 'text/markdown' } }),
    )
    expect(text.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(text.text).toMatch(/^# /)
  })

  test('lineage of each kind', async () => {
    for (const question of ['version=eta/3', 'feature=pace.mean_1d', 'column=deliveries.minutes']) {
      const { nodes, edges, says } = await ok(read(`/lineage?${question}`))
      expect(nodes.length).toBeGreaterThan(1)
      const known = new Set(nodes.map(({ id }: { id: string }) => id))
      for (const { from, to } of edges) expect(known.has(from) && known.has(to)).toBe(true)
      expect(says.length).toBeGreaterThan(0)
    }
    const { id } = (await server.post('/v1/models/eta/predict', { keys: { courier: 'ann' }, request: { km: 3 } })).json
    await expect.poll(async () => (await read(`/lineage?prediction=${id}`)).status).toBe(200)
  })

  test.each([
    ['', 'SX_REQUEST_INVALID', 400],
    ['?version=eta/3&run=x', 'SX_REQUEST_INVALID', 400],
    ['?version=eta', 'SX_REQUEST_INVALID', 400],
    ['?version=eta/x', 'SX_REQUEST_INVALID', 400],
    ['?version=/3', 'SX_REQUEST_INVALID', 400],
    ['?column=deliveries', 'SX_REQUEST_INVALID', 400],
    ['?version=eta/99', 'SX_UNKNOWN_VERSION', 404],
    ['?version=nobody/1', 'SX_UNKNOWN_VERSION', 404],
    ['?prediction=eta.1.00000000', 'SX_UNKNOWN_PREDICTION', 404],
    [`?run=${'0'.repeat(32)}`, 'SX_UNKNOWN_RUN', 404],
    ['?feature=nowhere.x', 'SX_UNKNOWN_VIEW', 404],
    ['?column=nowhere.x', 'SX_UNKNOWN_SOURCE', 404],
  ] as const)('lineage%s: %s', async (query, code, status) => {
    expectProblem(await read(`/lineage${query}`), status, code)
  })

  test('the audit, newest first or on from a number, of everything or of a model; and that it is whole', async () => {
    const { entries } = await ok(read('/audit?limit=5'))
    expect(entries).toHaveLength(5)
    expect(entries[0].number).toBeGreaterThan(entries[4].number)
    expect(entries[0]).toMatchObject({
      at: expect.stringMatching(instant),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(entries[0].previous).toBe(entries[1].hash)
    const before = await ok(read(`/audit?before=${entries[4].number}&limit=1`))
    expect(before.entries[0].number).toBe(entries[4].number - 1)
    const after = await ok(read('/audit?after=0&limit=1'))
    expect(after.entries[0].number).toBe(1)
    const of = await ok(read('/audit?model=eta&version=2'))
    expect(new Set(of.entries.map(({ version }: { version: number }) => version))).toEqual(new Set([2]))
    expect(await ok(read('/audit/verify'))).toMatchObject({
      ok: true,
      problems: [],
      head: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    for (const query of ['limit=0', 'after=-1', 'after=x', 'before=0', 'version=x', 'since=yesterday'])
      expectProblem(await read(`/audit?${query}`), 400, 'SX_REQUEST_INVALID')
  })

  test.each([
    ['/models/nobody', 404, 'SX_UNKNOWN_MODEL', 'nobody'],
    ['/models/..%2F..%2Fetc%2Fpasswd', 404, 'SX_UNKNOWN_MODEL', 'etc'],
    [`/models/${'m'.repeat(256)}`, 404, 'SX_UNKNOWN_MODEL', 'mmm'],
    [`/models/${'%E6%A8%A1'.repeat(256)}`, 404, 'SX_UNKNOWN_MODEL', '模'],
    [`/models/${'m'.repeat(2_001)}`, 404, 'SX_NOT_FOUND', '2000'],
    ['/models/__proto__', 404, 'SX_UNKNOWN_MODEL', '__proto__'],
    ['/models/eta%00', 404, 'SX_UNKNOWN_MODEL', ''],
    ['/models/eta/versions/99', 404, 'SX_UNKNOWN_VERSION', '99'],
    ['/models/eta/versions/0', 404, 'SX_UNKNOWN_VERSION', ''],
    ['/models/eta/versions/champion', 404, 'SX_UNKNOWN_ALIAS', 'champion'],
    ['/models/eta/versions/constructor', 404, 'SX_UNKNOWN_ALIAS', 'constructor'],
    ['/models/eta/versions/3/consider', 400, 'SX_REQUEST_INVALID', "'to'"],
    ['/models/eta/versions/3/consider?to=live', 400, 'SX_REQUEST_INVALID', 'live'],
    ['/models/eta/versions/3/consider?to=production', 409, 'SX_STAGE_INVALID', 'already'],
    ['/models/eta/versions/latest/consider?to=archived', 404, 'SX_UNKNOWN_VERSION', 'latest'],
    ['/models/eta/versions/1e3/card', 404, 'SX_UNKNOWN_VERSION', '1e3'],
    ['/models/eta/versions/99/card', 404, 'SX_UNKNOWN_VERSION', '99'],
    ['/models/eta/diff?a=1', 400, 'SX_REQUEST_INVALID', "'b'"],
    ['/models/eta/diff?a=1&b=99', 404, 'SX_UNKNOWN_VERSION', '99'],
    ['/models/late/rollback', 409, 'SX_NOTHING_TO_ROLL_BACK', 'late'],
    ['/models/eta/rollback?to=x', 400, 'SX_REQUEST_INVALID', "'to'"],
    ['/nothing', 404, 'SX_NOT_FOUND', '/nothing'],
  ] as const)('%s: %i %s', async (path, status, code, names) => {
    expectProblem(await read(path), status, code, names)
  })

  test.each([
    ['POST', '/models', 'GET, HEAD'],
    ['DELETE', '/models/eta', 'GET, HEAD'],
    ['GET', '/models/eta/versions/1/move', 'POST'],
    ['PUT', '/models/eta/rollback', 'GET, HEAD, POST'],
    ['GET', '/models/eta/aliases/champion', 'PUT, DELETE'],
    ['PATCH', '/keys', 'GET, HEAD, POST'],
    ['POST', '/audit', 'GET, HEAD'],
  ])('%s %s is not allowed; %s is', async (method, path, allowed) => {
    const refused = await send(method, path)
    expectProblem(refused, 405, 'SX_METHOD_NOT_ALLOWED', method, allowed)
    expect(refused.headers.get('allow')).toBe(allowed)
  })
})

describe('changes', () => {
  const audited = async (): Promise<number> => (await ok(read('/audit?limit=1'))).entries[0].number

  test('an alias is set, held against what was expected, and deleted', async () => {
    const entry = await ok(send('PUT', '/models/eta/aliases/champion', { version: 1, expected: null, reason: 'first' }))
    expect(entry).toMatchObject({ action: 'alias.set', version: 1, reason: 'first', actor: 'anyone' })
    expect(await ok(read('/models/eta/versions/champion'))).toMatchObject({ version: 1, aliases: ['champion'] })
    const late = await send('PUT', '/models/eta/aliases/champion', { version: 2, expected: null })
    expectProblem(late, 409, 'SX_REGISTRY_CONFLICT', 'champion')
    await ok(send('PUT', '/models/eta/aliases/champion', { version: 2, expected: 1 }))
    await ok(send('DELETE', '/models/eta/aliases/champion?reason=no+more'))
    expectProblem(await send('DELETE', '/models/eta/aliases/champion'), 404, 'SX_UNKNOWN_ALIAS', 'champion')
    expectProblem(await send('PUT', '/models/eta/aliases/latest', { version: 1 }), 400, 'SX_REQUEST_INVALID', 'latest')
    expectProblem(await send('PUT', '/models/eta/aliases/v3', { version: 1 }), 400, 'SX_REQUEST_INVALID', 'v3')
    expectProblem(await send('PUT', '/models/eta/aliases/a', { version: 99 }), 404, 'SX_UNKNOWN_VERSION', '99')
    expectProblem(await send('PUT', '/models/eta/aliases/a', {}), 400, 'SX_REQUEST_INVALID', "'version'")
  })

  test('a version moves on with what was shown; with what is no longer so it does not, and is told by whom', async () => {
    expect(
      await ok(send('POST', '/models/eta/versions/1/move', { to: 'staging', expected: { from: 'archived' } })),
    ).toMatchObject({ stage: 'staging', entries: [{ action: 'stage.changed', version: 1 }] })
    const before = await audited()
    const stale = await send('POST', '/models/eta/versions/1/move', { to: 'production', expected: { production: 2 } })
    expectProblem(stale, 409, 'SX_REGISTRY_CONFLICT', '3')
    const moved = await send('POST', '/models/eta/versions/1/move', {
      to: 'production',
      expected: { from: 'archived' },
    })
    expectProblem(moved, 409, 'SX_REGISTRY_CONFLICT')
    expect(await audited()).toBe(before)
    const body = { to: 'production', reason: 'better on Sundays', expected: { from: 'staging', production: 3 } }
    const { entries } = await ok(send('POST', '/models/eta/versions/1/move', body))
    expect(entries[0]).toMatchObject({ reason: 'better on Sundays', details: { replaces: 3 } })
    expect(await production()).toBe(1)
    expectProblem(await send('POST', '/models/eta/versions/1/move', { to: 'registered' }), 409, 'SX_STAGE_INVALID')
  })

  test('a roll back is shown first, goes back, and back again', async () => {
    const shown = await ok(read('/models/eta/rollback'))
    expect(shown).toMatchObject({ version: 3, from: 'archived', to: 'production', allowed: true, replaces: 1 })
    const stale = await send('POST', '/models/eta/rollback', { to: 3, expected: { production: 2 } })
    expectProblem(stale, 409, 'SX_REGISTRY_CONFLICT', 'Version 1')
    const done = await ok(send('POST', '/models/eta/rollback', { reason: 'worse', expected: { production: 1 } }))
    expect(done).toMatchObject({
      from: 1,
      to: 3,
      pending: false,
      entry: { reason: 'worse', at: expect.stringMatching(instant) },
    })
    expect(await ok(send('POST', '/models/eta/rollback', {}))).toMatchObject({ from: 3, to: 2 })
    expectProblem(await send('POST', '/models/eta/rollback', { to: 99 }), 409, 'SX_NOTHING_TO_ROLL_BACK', '99')
    expectProblem(await send('POST', '/models/eta/rollback', { to: 2 }), 409, 'SX_STAGE_INVALID')
    expectProblem(await send('POST', '/models/late/rollback', {}), 409, 'SX_NOTHING_TO_ROLL_BACK', 'late')
  })

  test('a change that is sent again with its id is made once', async () => {
    const headers = { 'idempotency-key': randomBytes(16).toString('hex') }
    const path = '/models/eta/aliases/again'
    const first = await ok(send('PUT', path, { version: 1, expected: null }, headers))
    expect(await ok(send('PUT', path, { version: 1, expected: null }, headers))).toEqual(first)
    expect(first.id).toBe(headers['idempotency-key'])
    for (const id of ['x', 'A'.repeat(32), '0'.repeat(33)])
      expectProblem(
        await send('PUT', path, { version: 1 }, { 'idempotency-key': id }),
        400,
        'SX_REQUEST_INVALID',
        'Idempotency-Key',
      )
  })

  test('two that ask for the same validation at once get the same evidence', async () => {
    const path = '/models/eta/versions/3/validate'
    const before = (await ok(read('/models/eta/versions/3'))).evidence.length
    const [one, other] = await Promise.all([ok(send('POST', path, {})), ok(send('POST', path, {}))])
    expect(one).toEqual(other)
    expect(one).toMatchObject({ passed: true })
    expect(one.checks.map(({ name }: { name: string }) => name)).toContain('latency')
    expect((await ok(read('/models/eta/versions/3'))).evidence).toHaveLength(before + 1)
    expectProblem(await send('POST', '/models/eta/versions/99/validate', {}), 404, 'SX_UNKNOWN_VERSION', '99')
    // A path of the server's own is nothing that a stranger may name.
    expectProblem(await send('POST', path, { data: '/etc/passwd' }), 400, 'SX_REQUEST_INVALID', "'data'")
  })

  test('a version that fails its validation stays where it is, and says why', async () => {
    // What it is asked for is nowhere in its table.
    const { inputs, nodes } = table([0, 1])
    const place = 'place of label'
    const added = server.add('vehicle', {
      inputs,
      nodes: nodes.map((node) => ({ ...node, outputs: [place] })),
      outputs: [{ name: place, type: 'int64', shape: ['rows', 1] }],
      constants: [{ name: 'values', type: 'int64', shape: [2], data: [0, 1] }],
    })
    await expect(added).rejects.toMatchObject({ code: 'SX_GATE_REFUSED' })
    const { version, stage, evidence } = await ok(read('/models/vehicle/versions/latest'))
    expect([stage, evidence[0].passed]).toEqual(['registered', false])
    const refused = await send('POST', `/models/vehicle/versions/${version}/move`, { to: 'staging' })
    expectProblem(refused, 409, 'SX_GATE_REFUSED')
    const consequence = await ok(read(`/models/vehicle/versions/${version}/consider?to=staging`))
    expect(consequence.allowed).toBe(false)
    expect(consequence.preconditions.find(({ met }: { met: boolean }) => !met).words).toMatch(/\S/)
  })

  test('an approval is kept, with who gave it', async () => {
    const entry = await ok(send('POST', '/models/eta/versions/1/approve', { to: 'staging', reason: 'seen' }))
    expect(entry).toMatchObject({ action: 'approval.given', details: expect.objectContaining({ to: 'staging' }) })
    expect((await ok(read('/models/eta/versions/1'))).approvals[0]).toMatchObject({
      to: 'staging',
      actor: 'anyone',
      reason: 'seen',
      at: expect.stringMatching(instant),
    })
  })

  const moves = '/models/eta/versions/1/move'
  test.each([
    ['POST', moves, {}, "'to'"],
    ['POST', moves, { to: 'live' }, 'live'],
    ['POST', moves, { to: ['staging'] }, 'staging'],
    ['POST', moves, { to: 'staging', expect: { from: 'archived' } }, "'expected'"],
    ['POST', moves, { to: 'staging', expected: { form: 'archived' } }, "'from'"],
    ['POST', moves, { to: 'staging', expected: { from: 'gone' } }, 'gone'],
    ['POST', moves, { to: 'staging', expected: { production: '1.5' } }, 'production'],
    ['POST', moves, { to: 'staging', expected: { production: -1 } }, 'production'],
    ['POST', moves, { to: 'staging', archiveOthers: 'yes' }, 'archiveOthers'],
    ['POST', moves, { to: 'staging', reason: 7 }, "'reason'"],
    ['POST', moves, { to: 'staging', reason: 'r'.repeat(1_001) }, '1000'],
    ['POST', '/models/eta/rollback', { to: 'two' }, "'to'"],
    ['POST', '/models/eta/rollback', { to: 1.5 }, "'to'"],
    ['PUT', '/models/eta/aliases/a', { version: 1, expected: 'x' }, "'expected'"],
    ['POST', '/keys', { role: 'viewer' }, "'name'"],
    ['POST', '/keys', { name: 'x', role: 'god' }, 'god'],
    ['POST', '/keys', { name: 'x', role: 'viewer', models: 'eta' }, "'models'"],
    ['POST', '/keys', { name: 'x', role: 'viewer', expires: 1_800_000_000_000 }, "'expires'"],
    ['POST', '/keys', { name: 'x', role: 'viewer', expires: 'soon' }, 'soon'],
    ['DELETE', '/models/eta/aliases/a?why=no', undefined, 'reason'],
  ] as const)('%s %s %j is refused, and nothing is done', async (method, path, body, names) => {
    const before = await audited()
    expectProblem(await send(method, path, body), 400, 'SX_REQUEST_INVALID', names)
    expect(await audited()).toBe(before)
  })

  test.each([[], 'text', 7, null, true].map((body) => [body]))('a body that is %j is refused', async (body) => {
    for (const path of [moves, '/models/eta/rollback', '/models/eta/versions/1/validate', '/keys'])
      expectProblem(await send('POST', path, body), 400, 'SX_REQUEST_MALFORMED')
    expectProblem(await send('POST', moves, { to: 'staging', expected: body }), 400, 'SX_REQUEST_MALFORMED')
  })

  test('whatever is sent, it is the sender that is told, and the audit stays whole', async () => {
    const paths = [
      '/models/eta/rollback',
      moves,
      '/models/eta/versions/1/approve',
      '/keys',
      '/models/eta/versions/9/validate',
    ]
    const names = fc.constantFrom(
      'to',
      'reason',
      'expected',
      'name',
      'role',
      'models',
      'expires',
      'archiveOthers',
      'version',
    )
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('staging', 'production', 'admin', 99, -1, 1e300),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.dictionary(names, value), async (path, body) => {
        expect((await send('POST', path, body)).status).toBeLessThan(500)
      }),
      runs(300),
    )
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async (text) => {
        const name = encodeURIComponent(text)
        for (const path of [
          `/models/${name}`,
          `/models/eta/versions/${name}`,
          `/lineage?run=${name}`,
          `/models?filter=${name}`,
        ])
          expect((await read(path)).status).toBeLessThan(500)
        expect((await send('PUT', `/models/eta/aliases/${name}`, { version: 1 })).status).toBeLessThan(500)
      }),
      runs(100),
    )
    expect(await ok(read('/audit/verify'))).toMatchObject({ ok: true, problems: [] })
  })
})

describe('keys', () => {
  test('one is told once, listed without its secret, and revoked', async () => {
    const made = await ok(
      send('POST', '/keys', { name: 'ci', role: 'editor', models: ['eta'], expires: '2099-01-01T00:00:00Z' }),
    )
    expect(made).toMatchObject({ name: 'ci', role: 'editor', models: ['eta'], expiresAt: '2099-01-01T00:00:00.000Z' })
    expect(made.key).toMatch(/^sxk_/)
    const { keys } = await ok(read('/keys'))
    const listed = keys.find(({ id }: { id: string }) => id === made.id)
    expect(listed).toMatchObject({ name: 'ci', revokedAt: null, at: expect.stringMatching(instant) })
    expect(JSON.stringify(keys)).not.toContain(made.key)
    expect(Object.keys(listed)).not.toContain('hash')
    expect(await ok(send('DELETE', `/keys/${made.id}?reason=lost`))).toMatchObject({
      action: 'key.revoked',
      reason: 'lost',
    })
    expectProblem(await send('DELETE', '/keys/none'), 404, 'SX_UNKNOWN_KEY', 'none')
    expect(JSON.stringify(await ok(read('/audit?limit=1000')))).not.toContain(made.key)
  })

  test('webhooks are listed without their secrets', async () => {
    expect(await ok(read('/webhooks'))).toEqual({ webhooks: [] })
  })

  test('where keys are needed, each may what its role may, of the models it is for', async () => {
    const key = async (body: object): Promise<string> => (await ok(send('POST', '/keys', body))).key
    const viewer = await key({ name: 'v', role: 'viewer' })
    const approver = await key({ name: 'a', role: 'approver', models: ['eta'] })
    const other = await key({ name: 'o', role: 'approver', models: ['late'] })
    const locked = await server.app.listen({ port: 0, access: 'keys' })
    const as = (holder: string | null, path: string, method = 'GET', body?: object): Promise<Answer> =>
      answer(
        fetch(locked.url + base + path, {
          method,
          headers: {
            ...(holder === null ? {} : { authorization: `Bearer ${holder}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      )
    const status = async (...asked: Parameters<typeof as>): Promise<number> => (await as(...asked)).status
    try {
      expectProblem(await as(null, '/models'), 401, 'SX_UNAUTHENTICATED')
      expectProblem(await as(null, '/access'), 401, 'SX_UNAUTHENTICATED')
      expect(await ok(as(viewer, '/access'))).toMatchObject({
        required: true,
        actor: 'key:v',
        rights: ['read', 'predict'],
      })
      expect(await ok(as(other, '/access'))).toMatchObject({ models: ['late'] })
      const names = async (holder: string) =>
        (await ok(as(holder, '/models'))).models.map((m: { name: string }) => m.name)
      expect(await names(viewer)).toEqual(['eta', 'late', 'vehicle'])
      expect(await names(other)).toEqual(['late'])
      const archive = { to: 'archived' }
      const wall: readonly (readonly [string, string, string?, object?])[] = [
        [viewer, '/models/eta/versions/1/move', 'POST', archive],
        [viewer, '/models/eta/versions/1/validate', 'POST', {}],
        [viewer, '/models/eta/rollback', 'POST', {}],
        [viewer, '/models/eta/aliases/x', 'PUT', { version: 1 }],
        [viewer, '/audit'],
        [viewer, '/audit/verify'],
        [viewer, '/keys'],
        [viewer, '/webhooks'],
        [other, '/models/eta'],
        [other, '/models/eta/versions/1'],
        [other, '/models/eta/versions/1/move', 'POST', archive],
        [other, '/audit?model=eta'],
        [other, '/lineage?version=eta/1'],
        [other, '/lineage?column=deliveries.minutes'],
        [approver, '/keys', 'POST', { name: 'x', role: 'admin' }],
      ]
      for (const asked of wall) expectProblem(await as(...asked), 403, 'SX_FORBIDDEN')
      expect(await status(viewer, '/audit?model=eta')).toBe(200)
      expect(await status(approver, '/lineage?version=eta/1')).toBe(200)
      expect(await status(adminKey, '/audit')).toBe(200)
      const moved = await ok(as(approver, '/models/eta/aliases/mine', 'PUT', { version: 1 }))
      expect(moved.actor).toBe('key:a')
    } finally {
      await locked.close()
    }
  })
})
