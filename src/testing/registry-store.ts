/**
 * The laws of the registry's store, as cases for any adapter of the metadata store. `open` gives a fresh, empty store at every call; `again`
 * another connection to the data of a store that `open` gave, beside it.
 */
import { randomBytes } from 'node:crypto'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type {
  AuditEntry,
  Author,
  Change,
  ModelVersion,
  NewVersion,
  RegistryStore,
  Stage,
  StageChange,
  Webhook,
} from '../ports/registry-store.ts'
import { condemnedMs, hashOfEntry, noEntry, stageIn } from '../ports/registry-store.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

const by = (at = 1_000, more: Partial<Author> = {}): Author => ({
  id: randomBytes(16).toString('hex'),
  actor: 'local:tester',
  reason: 'to see',
  at,
  ...more,
})

const sha = (text: string): string => text.padEnd(64, '0')

const newVersion = (model: string, name: string, more: Partial<NewVersion> = {}): NewVersion => ({
  model,
  manifest: sha(`a${name.length}`) + name,
  files: [{ path: 'model.onnx', sha256: sha(name), bytes: 2 ** 40 }],
  entry: 'model.onnx',
  flavor: 'onnx',
  definition: 'definition',
  inputs: [{ name: 'x', type: 'float32', shape: [-1, 4] }],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
  facts: {
    artifact: { format: 'onnx', sha256: sha(name), bytes: 2 ** 40 },
    schema: null,
    preprocessing: { hash: 'h', graph: { deep: [{ nodes: [1, null, 'ü'] }] }, source: { x: 'a.plus(1)' } },
    data: null,
    configuration: null,
    evaluation: [{ metric: 'auc', value: 0.1 + 0.2, low: null, high: 1e-300, slice: null, data: null }],
    dependencies: null,
  },
  source: `models:/${name}`,
  run: null,
  runLink: null,
  loggedModel: null,
  description: null,
  tags: {},
  ...more,
})

const registering = (version: NewVersion, unlessNewest = false): Change => ({
  kind: 'version.registered',
  version,
  create: true,
  unlessNewest,
})

const moving = (version: number, from: Stage, to: Stage, more: Partial<StageChange> = {}): StageChange => ({
  kind: 'stage.changed',
  model: 'm',
  version,
  environment: 'here',
  from,
  to,
  exclusive: true,
  replaces: null,
  archives: [],
  evidence: [],
  preconditions: [{ name: 'validation', met: true, words: 'It passed.' }],
  rollback: false,
  ...more,
})

const all = (store: RegistryStore): Promise<readonly AuditEntry[]> => store.audit({ after: 0, limit: 10_000 })
const stagesOf = async (store: RegistryStore): Promise<readonly string[]> =>
  (await store.versions('m')).map((one) => `${one.version} ${stageIn(one, 'here')}`).reverse()

/** Number, link and hash of every entry. */
async function chained(store: RegistryStore): Promise<readonly AuditEntry[]> {
  const entries = await all(store)
  let previous = noEntry
  for (const [index, entry] of entries.entries()) {
    equal([entry.number, entry.previous], [index + 1, previous], `entry ${index + 1}`)
    equal(entry.hash, hashOfEntry(entry), `the hash of entry ${index + 1}`)
    previous = entry.hash
  }
  return entries
}

export function registryStoreCases(
  open: () => Promise<MetadataStore>,
  again: (store: MetadataStore) => Promise<MetadataStore>,
): readonly ContractCase[] {
  const named = (name: string, body: (store: RegistryStore, whole: MetadataStore) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const store = await open()
      try {
        await body(store.registry, store)
        await chained(store.registry)
      } finally {
        await store.close()
      }
    },
  })
  const beside = (name: string, body: (store: RegistryStore, other: RegistryStore) => Promise<void>): ContractCase =>
    named(name, async (store, whole) => {
      const other = await again(whole)
      try {
        await body(store, other.registry)
      } finally {
        await other.close()
      }
    })
  const refused = async (store: RegistryStore, change: Change, code: string): Promise<void> => {
    const before = [await all(store), await store.versions('m'), await store.model('m')]
    await rejects(store.change(change, by()), code)
    equal([await all(store), await store.versions('m'), await store.model('m')], before, 'what is there after')
  }

  return [
    named('is empty at first', async (store) => {
      equal(
        [
          await store.model('m'),
          await store.version('m', 1),
          await store.versions('m'),
          await store.production('here'),
        ],
        [null, null, [], []],
        'models and versions',
      )
      equal([await all(store), await store.keys(), await store.webhooks()], [[], [], []], 'entries, keys and webhooks')
      equal([...(await store.references())], [], 'references')
    }),

    named('gives a version as it was registered, and numbers those of each model from 1 on', async (store) => {
      for (const model of ['one', 'two'])
        for (const number of [1, 2, 3]) {
          const wanted = newVersion(model, `${number}`, {
            description: `Grüße ${number}`,
            tags: { é: 'ü', n: `${number}` },
          })
          const entry = await store.change(registering(wanted), by(number))
          equal([entry.model, entry.version, entry.action], [model, number, 'version.registered'], 'the entry')
          equal(
            await store.version(model, number),
            { ...wanted, version: number, at: number, updatedAt: number, validated: false, places: {}, aliases: [] },
            'the version',
          )
        }
      equal(
        (await store.versions('two')).map(({ version }) => version),
        [3, 2, 1],
        'the versions',
      )
      equal((await store.model('one'))?.createdAt, 1, 'when the model was created')
    }),

    named('gives the newest version again where that is asked for and its manifest is the same', async (store) => {
      const first = await store.change(registering(newVersion('m', 'a')), by())
      equal(await store.change(registering(newVersion('m', 'a'), true), by()), first, 'what is given again')
      equal((await store.change(registering(newVersion('m', 'b'), true), by())).version, 2, 'another manifest')
      equal(
        (await store.change(registering(newVersion('m', 'a'), true), by())).version,
        3,
        'one that is no longer newest',
      )
      equal((await store.change(registering(newVersion('m', 'a')), by())).version, 4, 'where it is not asked for')
      await refused(store, { ...registering(newVersion('none', 'a')), create: false } as Change, 'SX_UNKNOWN_MODEL')
    }),

    named('does once what is asked for again under one id', async (store) => {
      const author = by()
      const first = await store.change(registering(newVersion('m', 'a')), author)
      equal(await store.change(registering(newVersion('m', 'a')), author), first, 'the entry')
      equal((await store.versions('m')).length, 1, 'how many versions there are')
      await rejects(store.change({ kind: 'model.deleted', model: 'm' }, author), 'SX_REGISTRY_CONFLICT')
      const several = await Promise.all(
        Array.from({ length: 8 }, () =>
          store.change(registering(newVersion('m', 'b')), { ...author, id: sha('b').slice(32) }),
        ),
      )
      equal(new Set(several.map(({ number }) => number)).size, 1, 'entries of one id at once')
    }),

    named('writes who, when, why and what, and keeps secrets out', async (store) => {
      const secret = 'whsec_secret'
      const hash = sha('deadbeef')
      await store.change(
        {
          kind: 'key.created',
          key: {
            ...{ id: 'k1', name: 'ci', hash, role: 'editor', models: [], expiresAt: null, createdBy: 'x' },
            rate: { perSecond: 100, burst: 500 },
          },
        },
        by(5),
      )
      await store.change({ kind: 'webhook.created', webhook: webhook('w1', { secret }) }, by(6))
      const entry = await store.change(registering(newVersion('m', 'a')), by(7, { reason: null, actor: 'key:ci' }))
      equal([entry.at, entry.actor, entry.reason], [7, 'key:ci', null], 'the author')
      const text = JSON.stringify(await all(store))
      check(!text.includes(secret), 'an entry holds the secret of a webhook')
      check(!text.includes(hash), 'an entry holds the hash of a key')
      equal((await store.webhooks())[0]?.secret, secret, 'the secret, for whoever signs')
      equal(
        (await store.keys())[0],
        {
          id: 'k1',
          name: 'ci',
          hash,
          role: 'editor',
          models: [],
          rate: { perSecond: 100, burst: 500 },
          expiresAt: null,
          createdBy: 'x',
          at: 5,
          revokedAt: null,
        },
        'the key',
      )
      await store.change({ kind: 'key.revoked', key: 'k1' }, by(9))
      equal((await store.keys())[0]?.revokedAt, 9, 'when the key was revoked')
      await refused(store, { kind: 'key.revoked', key: 'k1' }, 'SX_UNKNOWN_KEY')
    }),

    named('refuses text that would come back as another, and keeps any other', async (store) => {
      for (const text of ['a\0b', 'a\ud800b', '\udc00'])
        for (const [change, author] of [
          [registering(newVersion('m', 'a', { description: text })), by()],
          [registering(newVersion('m', 'a', { tags: { [text]: 'x' } })), by()],
          [{ kind: 'model.created', model: text, description: null, tags: {} }, by()],
          [registering(newVersion('m', 'a')), by(1, { reason: text })],
          [registering(newVersion('m', 'a')), by(1, { actor: `key:${text}` })],
        ] satisfies readonly (readonly [Change, Author])[])
          await rejects(store.change(change, author), 'SX_REQUEST_INVALID')
      equal(await all(store), [], 'entries')
      const reason = `'"\\u0000 \n\u2028 é e\u0301 😀 \uffff ${'x'.repeat(100_000)}`
      const entry = await store.change(registering(newVersion('m', 'a', { description: reason })), by(1, { reason }))
      equal([entry.reason, (await all(store))[0]], [reason, entry], 'the entry')
      equal((await store.version('m', 1))?.description, reason, 'the description')
      const document = { slice: 'a\0b \ud800' }
      const evidence = { id: sha('e'), model: 'm', version: 1, kind: 'validation', passed: true, artifacts: [] }
      await store.change({ kind: 'evidence.recorded', evidence: { ...evidence, document } }, by(2))
      equal((await store.evidence('m', 1))[0]?.document, document, 'the document')
    }),

    named('moves a version through its stages, one in production at a time', async (store) => {
      for (const name of ['a', 'b', 'c']) await store.change(registering(newVersion('m', name)), by())
      await store.change(moving(1, 'registered', 'validated'), by(10))
      equal((await store.version('m', 1))?.validated, true, 'validated')
      await store.change(moving(1, 'validated', 'staging'), by(11))
      const entry = await store.change(moving(1, 'staging', 'production'), by(12))
      equal(entry.details['preconditions'], [{ name: 'validation', met: true, words: 'It passed.' }], 'what was found')
      equal(entry.environment, 'here', 'the environment')
      await refused(store, moving(2, 'staging', 'production', { replaces: 1 }), 'SX_REGISTRY_CONFLICT')
      await refused(store, moving(2, 'registered', 'production'), 'SX_REGISTRY_CONFLICT')
      await refused(store, moving(2, 'registered', 'production', { replaces: 3 }), 'SX_REGISTRY_CONFLICT')
      await store.change(moving(2, 'registered', 'production', { replaces: 1 }), by(13))
      equal(await stagesOf(store), ['1 archived', '2 production', '3 registered'], 'the stages')
      const first = await store.version('m', 1)
      equal(first?.places['here'], { stage: 'archived', at: 13, wasProduction: true }, 'the place of the one before')
      await store.change(moving(1, 'archived', 'production', { replaces: 2, rollback: true }), by(14))
      equal(
        (await store.production('here')).map(({ version }) => version),
        [1],
        'what is in production',
      )
      equal(await store.production('elsewhere'), [], 'what is in production elsewhere')
      await store.change(moving(2, 'archived', 'production', { environment: 'there', from: 'registered' }), by(15))
      equal(
        (await store.production('there')).map(({ version }) => version),
        [2],
        'what is in production there',
      )
      equal(
        (await store.latest(['m', 'none'], 'here')).map(({ version }) => version),
        [3, 2, 1],
        'the newest of each stage',
      )
      equal(
        [await store.placed('m', 'here', 'archived'), await store.placed('m', 'here', 'production')],
        [[2], [1]],
        'what is placed there',
      )
      await store.change(moving(1, 'production', 'archived'), by(16))
      equal(await store.placed('m', 'here', 'archived'), [1, 2], 'the one placed last first')
      equal(await store.production('here'), [], 'after it was archived')
      await rejects(store.change(moving(9, 'registered', 'staging'), by()), 'SX_UNKNOWN_VERSION')
    }),

    named('tells how the versions of several models stand as it tells it of each', async (store) => {
      equal(await store.standings([]), [], 'of no model')
      for (const model of ['m', 'm', "o'ther", 'left out'])
        await store.change(registering(newVersion(model, model)), by())
      await store.change(moving(1, 'registered', 'validated'), by(2))
      await store.change(moving(2, 'registered', 'production'), by(3))
      const each = async (model: string) =>
        (await store.versions(model)).map(({ version, validated, places }) => ({ model, version, validated, places }))
      equal(
        await store.standings(["o'ther", 'm', 'none']),
        [...(await each('m')), ...(await each("o'ther"))],
        'of two models',
      )
    }),

    named('lets several be in production where that is not exclusive', async (store) => {
      for (const name of ['a', 'b', 'c']) await store.change(registering(newVersion('m', name)), by())
      const free = { exclusive: false } as const
      await store.change(moving(1, 'registered', 'production', free), by(1))
      await store.change(moving(2, 'registered', 'production', free), by(2))
      equal(await stagesOf(store), ['1 production', '2 production', '3 registered'], 'the stages')
      equal(
        (await store.production('here')).map(({ version }) => version),
        [2],
        'the one placed last',
      )
      const entry = await store.change(moving(3, 'registered', 'production', { ...free, archives: [1, 2] }), by(3))
      equal(entry.details['archives'], [1, 2], 'what was archived')
      equal(await stagesOf(store), ['1 archived', '2 archived', '3 production'], 'the stages after')
    }),

    named('lets an alias name one version, and says what it named before', async (store) => {
      for (const name of ['a', 'b']) await store.change(registering(newVersion('m', name)), by())
      const alias = (version: number, expected?: number | null): Change => ({
        ...{ kind: 'alias.set', model: 'm', alias: 'champion', version },
        ...(expected === undefined ? {} : { expected }),
      })
      await refused(store, alias(1, 2), 'SX_REGISTRY_CONFLICT')
      await store.change(alias(1, null), by())
      await refused(store, alias(2, null), 'SX_REGISTRY_CONFLICT')
      equal((await store.change(alias(2, 1), by())).details['before'], 1, 'what it named before')
      await store.change({ ...alias(2), alias: 'best' } as Change, by())
      equal((await store.model('m'))?.aliases, { champion: 2, best: 2 }, 'the aliases of the model')
      equal(
        (await store.versions('m')).map(({ aliases }) => aliases),
        [['best', 'champion'], []],
        'those of versions',
      )
      await refused(store, alias(7), 'SX_UNKNOWN_VERSION')
      await store.change({ kind: 'alias.deleted', model: 'm', alias: 'best' }, by())
      await refused(store, { kind: 'alias.deleted', model: 'm', alias: 'best' }, 'SX_UNKNOWN_ALIAS')
      await store.change({ kind: 'version.deleted', model: 'm', version: 2 }, by())
      equal((await store.model('m'))?.aliases, {}, 'after the version was deleted')
    }),

    named('keeps tags and descriptions, and finds by them', async (store) => {
      for (const name of ['a', 'b', 'c'])
        await store.change(registering(newVersion('m', name)), by(Number(name !== 'a')))
      await store.change({ kind: 'model.created', model: 'other', description: 'x', tags: { team: 'blue' } }, by(3))
      await store.change({ kind: 'model.tagged', model: 'm', key: 'team', value: 'red' }, by(4))
      await store.change(
        { kind: 'version.tagged', model: 'm', version: 2, key: 'risk', value: 'x'.repeat(5_000) },
        by(5),
      )
      await store.change({ kind: 'version.updated', model: 'm', version: 2, description: 'two' }, by(6))
      await store.change({ kind: 'model.updated', model: 'm', description: 'both' }, by(7))
      equal((await store.version('m', 2))?.description, 'two', 'the description')
      const where = (key: string, value: string) => [{ of: 'tag', key, operator: '=', value }] as const
      const page = { order: [], limit: 10, offset: 0 }
      const models = await store.searchModels({ ...page, where: where('team', 'red') })
      equal(
        models.items.map(({ name }) => name),
        ['m'],
        'models by tag',
      )
      const versions = await store.searchVersions({ ...page, where: where('risk', 'x'.repeat(5_000)) })
      equal([versions.items.map(({ version }) => version), versions.more], [[2], false], 'versions by tag')
      await store.change({ kind: 'version.untagged', model: 'm', version: 2, key: 'risk' }, by(8))
      equal(
        (await store.searchVersions({ ...page, where: where('risk', 'x'.repeat(5_000)) })).items,
        [],
        'after it went',
      )
      const byName = [{ of: 'attribute', key: 'name', operator: 'LIKE', value: 'm%' }] as const
      const order = [{ of: 'attribute', key: 'version_number', descending: true }] as const
      const two = await store.searchVersions({ where: byName, order, limit: 2, offset: 1 })
      equal([two.items.map(({ version }) => version), two.more], [[2, 1], false], 'the second page')
      await refused(store, { kind: 'model.created', model: 'm', description: null, tags: {} }, 'SX_MODEL_EXISTS')
    }),

    named('deletes what is not in production, and gives no number twice', async (store) => {
      for (const name of ['a', 'b']) await store.change(registering(newVersion('m', name)), by())
      await store.change(moving(1, 'registered', 'production'), by())
      await refused(store, { kind: 'version.deleted', model: 'm', version: 1 }, 'SX_MODEL_IN_USE')
      await refused(store, { kind: 'model.deleted', model: 'm' }, 'SX_MODEL_IN_USE')
      await refused(store, { kind: 'model.renamed', model: 'm', to: 'n' }, 'SX_MODEL_IN_USE')
      await store.change({ kind: 'version.deleted', model: 'm', version: 2 }, by())
      equal(await store.version('m', 2), null, 'what was deleted')
      equal((await store.change(registering(newVersion('m', 'c')), by())).version, 3, 'the next number')
      await store.change(moving(1, 'production', 'archived'), by())
      await store.change(moving(3, 'registered', 'staging', { exclusive: false }), by())
      await refused(store, { kind: 'version.deleted', model: 'm', version: 3 }, 'SX_MODEL_IN_USE')
      await refused(store, { kind: 'model.deleted', model: 'm' }, 'SX_MODEL_IN_USE')
      await store.change(moving(3, 'staging', 'archived', { exclusive: false }), by())
      for (const name of ['n1', 'n2']) await store.change(registering(newVersion('n', name)), by())
      await store.change({ kind: 'model.deleted', model: 'm' }, by())
      equal([await store.model('m'), await store.versions('m')], [null, []], 'after all was deleted')
      equal([...(await store.references())].sort(), [sha('n1'), sha('n2')], 'references')
      equal((await store.versions('n')).length, 2, 'versions of another')
      equal((await store.audit({ model: 'm', limit: 99 })).length, 9, 'what the audit still says of it')
      await store.change(registering(newVersion('free', 'f', { definition: null })), by())
      const free = { model: 'free', exclusive: false } as const
      await store.change(moving(1, 'registered', 'staging', free), by())
      await store.change({ kind: 'version.deleted', model: 'free', version: 1 }, by())
    }),

    named('finds what was done to a model also under its names before', async (store) => {
      await store.change(registering(newVersion('m', 'a')), by())
      await store.change({ kind: 'model.created', model: 'taken', description: null, tags: {} }, by())
      await refused(store, { kind: 'model.renamed', model: 'm', to: 'taken' }, 'SX_MODEL_EXISTS')
      await store.change({ kind: 'model.renamed', model: 'm', to: 'n' }, by())
      await store.change({ kind: 'alias.set', model: 'n', alias: 'x', version: 1 }, by())
      equal([await store.model('m'), (await store.version('n', 1))?.model], [null, 'n'], 'the model')
      const actions = (await store.audit({ model: 'n', limit: 9 })).map(({ action }) => action)
      equal(actions, ['alias.set', 'model.renamed', 'version.registered'], 'its history')
      const some = await store.audit({ model: 'n', actions: ['alias.set', 'model.renamed'], limit: 1 })
      equal(
        some.map(({ number }) => number),
        [4],
        'the newest of two kinds',
      )
      equal(
        (await store.audit({ after: 1, before: 3, limit: 9 })).map(({ number }) => number),
        [2],
        'between two',
      )
    }),

    named('keeps evidence and approvals with the version', async (store) => {
      await store.change(registering(newVersion('m', 'a')), by())
      const evidence = {
        id: sha('e'),
        model: 'm',
        version: 1,
        kind: 'validation',
        passed: true,
        document: { checks: [{ n: 0.1 }] },
        artifacts: [sha('g')],
      }
      await store.change({ kind: 'evidence.recorded', evidence }, by(5))
      equal(await store.evidence('m', 1), [{ ...evidence, actor: 'local:tester', at: 5 }], 'the evidence')
      const approval: Change = { kind: 'approval.given', model: 'm', version: 1, environment: 'here', to: 'production' }
      await store.change(approval, by(6, { actor: 'key:ana' }))
      await store.change(approval, by(7, { actor: 'key:bo', reason: null }))
      equal(
        (await store.approvals('m', 1)).map(({ actor, to, at, reason }) => [actor, to, at, reason]),
        [
          ['key:ana', 'production', 6, 'to see'],
          ['key:bo', 'production', 7, null],
        ],
        'the approvals',
      )
      equal([...(await store.references())].sort(), [sha('a'), sha('g')], 'references')
      await refused(store, { kind: 'evidence.recorded', evidence: { ...evidence, version: 2 } }, 'SX_UNKNOWN_VERSION')
    }),

    named('puts what webhooks are to be told into the outbox, in order, for one at a time', async (store) => {
      await store.change(
        { kind: 'webhook.created', webhook: webhook('w1', { events: ['version.*'], models: ['m'] }) },
        by(1),
      )
      await store.change({ kind: 'webhook.created', webhook: webhook('w2', { active: false }) }, by(1))
      for (const [model, name] of [
        ['m', 'a'],
        ['other', 'a'],
        ['m', 'b'],
      ] as const)
        await store.change(registering(newVersion(model, name)), by(10))
      const [first, ...none] = await store.takeDeliveries(10, 10, 1_000)
      equal(
        [none.length, first?.entry.version, first?.entry.model, first?.attempts],
        [0, 1, 'm', 0],
        'what is due first',
      )
      equal(first?.webhook.secret, 'secret', 'the secret')
      equal(await store.takeDeliveries(10, 500, 1_000), [], 'what is due while that is taken')
      equal((await store.takeDeliveries(10, 1_010, 1_000))[0]?.id, first?.id, 'what is due after the lease')
      await store.settleDelivery(first!.id, { error: 'refused', next: 5_000 }, 1_100)
      equal(await store.takeDeliveries(10, 4_999, 1_000), [], 'what is due before the next try')
      const [later] = await store.takeDeliveries(10, 5_000, 1_000)
      equal([later?.id, later?.attempts, later?.error], [first?.id, 1, 'refused'], 'what is tried again')
      await store.settleDelivery(first!.id, { error: null, next: null }, 5_100)
      const [second] = await store.takeDeliveries(10, 5_100, 1_000)
      equal(second?.entry.version, 2, 'what is due next')
      await store.settleDelivery(second!.id, { error: 'gone', next: null }, 5_200)
      const told = await store.deliveries({ webhook: 'w1', limit: 9 })
      equal(
        told.map(({ state, settledAt }) => [state, settledAt]),
        [
          ['given up', 5_200],
          ['delivered', 5_100],
        ],
        'what became of them',
      )
      await store.settleDelivery(second!.id, { error: null, next: 6_000 }, 5_300)
      equal((await store.takeDeliveries(9, 6_000, 9)).length, 1, 'what is sent again')
      await store.change({ kind: 'webhook.updated', webhook: webhook('w1', { events: ['*'], secret: 'other' }) }, by(9))
      await store.change({ kind: 'webhook.deleted', webhook: 'w1' }, by(9))
      equal(
        [(await store.webhooks()).map(({ id }) => id), await store.takeDeliveries(9, 9e9, 9)],
        [['w2'], []],
        'after it was deleted',
      )
      await rejects(store.change({ kind: 'webhook.deleted', webhook: 'w1' }, by()), 'SX_UNKNOWN_WEBHOOK')
    }),

    named('condemns what nothing refers to, and lets nothing refer to what is condemned', async (store, whole) => {
      await store.change(registering(newVersion('m', 'a')), by())
      await whole.tracking.putFile({ path: '0/r/artifacts/x', sha256: sha('f'), bytes: 1, at: 1 })
      equal([...(await store.references())].sort(), [sha('a'), sha('f')], 'references')
      equal(
        await store.condemn([sha('a'), sha('f'), sha('b'), sha('c')], 1_000),
        [sha('b'), sha('c')],
        'what is condemned',
      )
      equal(await store.condemn([sha('b')], 1_001), [], 'what another has condemned')
      await refused(store, registering(newVersion('m', 'b')), 'SX_ARTIFACT_CONDEMNED')
      await rejects(
        whole.tracking.putFile({ path: '0/r/y', sha256: sha('b'), bytes: 1, at: 1 }),
        'SX_ARTIFACT_CONDEMNED',
      )
      equal(await store.spare([sha('b'), sha('c')], 1_001), [sha('b'), sha('c')], 'what cannot be spared yet')
      await store.change({ kind: 'artifacts.collected', artifacts: [sha('b')], bytes: 1 }, by())
      equal(await store.spare([sha('b')], 1_002), [], 'what was collected')
      equal(await store.spare([sha('c')], 1_000 + condemnedMs), [], 'what nobody came to collect')
      await store.change(registering(newVersion('m', 'b')), by())
    }),

    beside('lets one of two win that promote at once, and tells the other', async (store, other) => {
      for (let round = 1; round <= 20; round++) {
        await store.change(registering(newVersion('m', `a${round}`)), by())
        await store.change(registering(newVersion('m', `b${round}`)), by())
        const now = (await store.production('here'))[0]?.version ?? null
        const two = await Promise.allSettled(
          [store, other].map((one, index) =>
            one.change(moving(2 * round - 1 + index, 'registered', 'production', { replaces: now }), by()),
          ),
        )
        const lost = two.filter((one) => one.status === 'rejected')
        equal(
          lost.map(({ reason }) => (reason as { code?: string }).code),
          ['SX_REGISTRY_CONFLICT'],
          'who lost',
        )
        const won = two.findIndex(({ status }) => status === 'fulfilled')
        equal((await other.production('here'))[0]?.version, 2 * round - 1 + won, 'what is in production')
      }
    }),

    beside('gives no number twice and leaves none out when twenty change at once', async (store, other) => {
      const entries = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).change(registering(newVersion('m', `v${index}`)), by(index)),
        ),
      )
      const inOrder = (of: (entry: AuditEntry) => number | null) => entries.map((one) => of(one)!).sort((a, b) => a - b)
      const expected = Array.from({ length: 20 }, (_, index) => index + 1)
      equal(
        inOrder(({ number }) => number),
        expected,
        'the numbers of entries',
      )
      equal(
        inOrder(({ version }) => version),
        expected,
        'the numbers of versions',
      )
      const stored = new Map<number, ModelVersion>((await store.versions('m')).map((one) => [one.version, one]))
      for (const { version, at } of entries) equal(stored.get(version!)?.at, at, `version ${version}`)
    }),

    beside('takes each delivery once when two ask at once', async (store, other) => {
      for (let i = 0; i < 8; i++) await store.change({ kind: 'webhook.created', webhook: webhook(`w${i}`) }, by())
      await store.change(registering(newVersion('m', 'a')), by(1))
      const taken = (await Promise.all([store, other].map((one) => one.takeDeliveries(8, 2_000, 1_000)))).flat()
      equal(new Set(taken.map(({ id }) => id)).size, taken.length, 'deliveries taken twice')
      equal(taken.length, 8, 'how many were taken')
    }),
  ]
}

const webhook = (id: string, more: Partial<Webhook> = {}): Omit<Webhook, 'createdAt' | 'updatedAt'> => ({
  id,
  name: id,
  url: 'https://receiver.example/hook',
  events: ['version.registered'],
  models: [],
  secret: 'secret',
  description: null,
  active: true,
  form: 'sixfold',
  ...more,
})
