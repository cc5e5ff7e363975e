/** doctor: what it finds where all is well, and what it says of each thing that is wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Service } from '../services/index.ts'
import {
  describeWith,
  faultProxy,
  freePort,
  startKafka,
  startPostgres,
  startRedis,
  startS3,
} from '../services/index.ts'
import type { Project, Ran, Variables } from './project.ts'
import { platformText, project } from './project.ts'

interface Found {
  readonly ok: boolean
  readonly facts: readonly { readonly name: string; readonly value: string }[]
  readonly problems: readonly Problem[]
  readonly stores: readonly {
    readonly port: string
    readonly report: {
      readonly technology: string
      readonly where: string
      readonly version: string | null
      readonly roundTripMs: number | null
      readonly problems: readonly Problem[]
    }
  }[]
}
interface Problem {
  readonly of?: string
  readonly severity: 'error' | 'warning'
  readonly what: string
  readonly fix: string
}

const found = ({ out }: Ran): Found => JSON.parse(out) as Found
const store = (all: Found, port: string) => all.stores.find((one) => one.port === port)!.report
const fact = (all: Found, name: string): string | undefined => all.facts.find((one) => one.name === name)?.value
const errors = (problems: readonly Problem[]): readonly string[] =>
  problems.filter(({ severity }) => severity === 'error').map(({ what }) => what)

let p: Project
beforeAll(async () => {
  p = await project()
})
afterAll(() => p.dispose())

describe('a project of its own', () => {
  test('is well', async () => {
    const { code, out, err } = await p.run('doctor')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^store +technology +version +round trip +where$/m)
    for (const port of ['online', 'log', 'metadata', 'artifacts', 'offline'])
      expect(out).toMatch(new RegExp(`^${port} .*${p.folder}`, 'm'))
    expect(out).toMatch(/^applied +never$/m)
    expect(out).toMatch(/\n\nAll is well\.\n$/)
  })

  test('--json gives it all', async () => {
    const ran = await p.run('doctor', '--json')
    expect(ran).toMatchObject({ code: 0, err: '' })
    const all = found(ran)
    expect(all).toMatchObject({ ok: true, problems: [] })
    expect(all.stores.map(({ port, report }) => [port, report.problems])).toEqual(
      ['online', 'log', 'metadata', 'artifacts', 'offline'].map((port) => [port, []]),
    )
    expect(fact(all, 'node')).toContain(process.versions.node)
    expect(fact(all, 'configuration')).toBe(p.path('sixfold.config.ts'))
    expect(Math.abs(Date.parse(fact(all, 'clock')!) - Date.now())).toBeLessThan(60_000)
    expect(fact(all, 'held by')).toBe('no server')
  })

  test('beside a server it says which process that is, and all is still well', async () => {
    const server = p.start('serve')
    await server.says(/Sixfold is at/)
    const all = found(await p.run('doctor', '--json'))
    expect(all).toMatchObject({ ok: true, problems: [] })
    expect(fact(all, 'held by')).toContain(`process ${server.child.pid} `)
    expect(fact(all, 'applied')).toMatch(/^20\d\d-/)
    await server.end()
  })

  test('definitions that differ from those applied are a warning, and broken ones an error that hides no store', async () => {
    await p.write('platform.ts', platformText.replace('deliveries_ever:', 'all_deliveries:'))
    const changed = await p.run('doctor', '--json')
    expect(changed.code).toBe(0)
    expect(found(changed).problems).toEqual([
      {
        of: 'definitions',
        severity: 'warning',
        what: 'They differ from those that were applied: view pace, model eta. `sixfold serve` does not start.',
        fix: 'Look at them with `sixfold plan`, then run `sixfold apply`.',
      },
    ])
    await p.write('platform.ts', platformText.replace('count().ever()', 'count().evr()'))
    const broken = await p.run('doctor', '--json')
    expect(broken.code).toBe(1)
    expect(found(broken).problems).toMatchObject([
      { of: 'definitions', severity: 'error', what: expect.stringMatching(/platform\.ts:16: .*evr is not a function/) },
    ])
    expect(found(broken).stores.flatMap(({ report }) => report.problems)).toEqual([])
    await p.write('platform.ts', platformText)
  })

  test('each mistake of the configuration is a finding, the first of all', async () => {
    const { code, out } = await p.runWith(
      { SIXFOLD_SYNC: 'never', SIXFOLD_ONLINE_URL: 'reddis://h', SIXFOLD_METADATA_PASSWORD: 'pl4nted' },
      'doctor',
    )
    expect(code).toBe(1)
    const [first, second, third] = out.split('\n').filter((line) => line.startsWith('✗'))
    expect(first).toBe("✗ configuration: SIXFOLD_SYNC is not 'always' or 'second'.")
    expect(second).toMatch(/^✗ configuration: 'SIXFOLD_ONLINE_URL': Its scheme 'reddis' .* Did you mean 'redis'\?/)
    expect(third).toMatch(
      /^✗ configuration: SIXFOLD_METADATA_PASSWORD is set, and neither SIXFOLD_METADATA_URL nor 'stores\.metadata' says/,
    )
    expect(out).toMatch(/\n3 errors\.\n$/)
    expect(out).not.toContain('pl4nted')
  })

  test('no project is a finding as well', async () => {
    const { code, out } = await p.run('-p', '/', 'doctor')
    expect(code).toBe(1)
    expect(out).toMatch(/^✗ configuration: There is no sixfold\.config\.ts in '\/' or above it\.\n {2}→ /m)
  })

  test('a data folder that cannot be made is told of', async () => {
    const ran = await p.runWith({ SIXFOLD_DATA: 'platform.ts/data' }, 'doctor', '--json')
    expect(ran.code).toBe(1)
    const all = found(ran)
    expect(all.ok).toBe(false)
    expect(errors(all.problems)).toEqual([
      `The data folder '${p.path('platform.ts/data')}' is not there and cannot be made.`,
    ])
  })
})

test('all mistakes of a file and of the environment are one error, which names the keys', async () => {
  const other = await project()
  await other.write(
    'sixfold.config.ts',
    `export default { platform: './platform.ts', prot: 1, limits: { batchRow: 2, queueRows: 1.5 }, duckdb: { memory: 'lots' },
      stores: { onlin: 'redis://h', log: 'kafka://b1?partition=3', metadata: 'postgres://u:pl4nted@h/db' } }\n`,
  )
  const { code, err } = await other.runWith({ SIXFOLD_PORT: 'tcp://10.0.0.1:6006', SIXFOLD_HOSTS: 'x' }, 'check')
  expect(code).toBe(1)
  for (const part of [
    `${other.path('sixfold.config.ts')}: `,
    "'prot' is unknown. There are: platform,",
    "'limits.batchRow' is unknown. Did you mean 'batchRows'?",
    "'limits.queueRows': ",
    "'duckdb.memory': is no amount of memory",
    "'stores.onlin' is unknown. Did you mean 'online'?",
    'In the environment: ',
    "The variable SIXFOLD_HOSTS is unknown. Did you mean 'SIXFOLD_HOST'?",
    'enableServiceLinks: false',
  ])
    expect(err).toContain(part)
  await other.write(
    'sixfold.config.ts',
    `export default { platform: './platform.ts',
      stores: { online: 'redis://h', log: 'kafka://b1?partition=3', metadata: 'postgres://u:pl4nted@h/db' } }\n`,
  )
  const urls = await other.run('check')
  expect(urls.err).toContain("'stores.log': It has the unknown parameter 'partition'. Did you mean 'partitions'?")
  expect(urls.err).toContain(
    "'stores.metadata': It holds a password, which has no place in a file. Set SIXFOLD_METADATA_PASSWORD",
  )
  expect(err + urls.err).not.toContain('pl4nted')
  await other.dispose()
})

describeWith(['redis', 'postgres'], 'shared stores', () => {
  let redis: Service
  let postgres: Service
  beforeAll(async () => {
    ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
  })
  afterAll(async () => {
    await Promise.all([redis?.close(), postgres?.close()])
  })
  const urls = (online = redis.url): Variables => ({
    SIXFOLD_ONLINE_URL: online,
    SIXFOLD_LOG_URL: postgres.url,
    SIXFOLD_METADATA_URL: postgres.url,
  })
  const examine = async (
    variables: Variables,
  ): Promise<Found & { readonly code: number | null; readonly text: string }> => {
    const ran = await p.runWith(variables, 'doctor', '--json')
    return { ...found(ran), code: ran.code, text: ran.out + ran.err }
  }

  test('are well, with versions and round trips', async () => {
    const all = await examine(urls())
    expect(all.stores.flatMap(({ report }) => errors(report.problems))).toEqual([])
    expect(all).toMatchObject({ ok: true, code: 0 })
    for (const [port, technology] of [
      ['online', 'Redis'],
      ['log', 'PostgreSQL'],
      ['metadata', 'PostgreSQL'],
    ] as const) {
      const report = store(all, port)
      expect(report.technology).toBe(technology)
      expect(report.version).toMatch(/^\d+\.\d+/)
      expect(report.roundTripMs).toBeGreaterThan(0)
      expect(report.where).toContain(`:${technology === 'Redis' ? redis.port : postgres.port}`)
    }
  })

  test('one that is down is an error, and the others are looked at', async () => {
    const all = await examine(urls(`redis://127.0.0.1:${await freePort()}`))
    expect(all).toMatchObject({ ok: false, code: 1 })
    expect(errors(store(all, 'online').problems)).toHaveLength(1)
    expect(errors(store(all, 'metadata').problems)).toEqual([])
    expect(store(all, 'metadata').version).not.toBeNull()
  })

  test('a Redis that deletes state when memory is full is an error', async () => {
    const evicting = await startRedis(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'])
    try {
      const all = await examine(urls(evicting.url))
      expect(all.code).toBe(1)
      expect(errors(store(all, 'online').problems).join(' ')).toContain('allkeys-lru')
    } finally {
      await evicting.close()
    }
  })

  test('a wrong password is an error, and neither it nor the right one is ever printed', async () => {
    const [right, wrong, inUrl] = ['right-pl4nted', 'wrong-pl4nted', 'url-pl4nted']
    const guarded = await startRedis(['--requirepass', right])
    try {
      const good = await examine({ ...urls(guarded.url), SIXFOLD_ONLINE_PASSWORD: right })
      expect(errors(store(good, 'online').problems)).toEqual([])
      const bad = await examine({ ...urls(guarded.url), SIXFOLD_ONLINE_PASSWORD: wrong })
      expect(bad.code).toBe(1)
      expect(errors(store(bad, 'online').problems)).toHaveLength(1)
      const none = await examine(urls(guarded.url))
      expect(errors(store(none, 'online').problems)).toHaveLength(1)
      const texts = [good.text, bad.text, none.text]
      const withPassword: Variables = urls(guarded.url.replace('://', `://:${inUrl}@`))
      const database = postgres.url.replace(/\/\/(\w+)@/, `//$1:${inUrl}@`)
      for (const variables of [withPassword, { ...urls(), SIXFOLD_METADATA_URL: database, SIXFOLD_LOG_URL: database }])
        for (const args of [
          ['doctor'],
          ['--debug', 'plan'],
          ['--debug', 'serve', '--port', 'x'],
          ['--json', 'model', 'list', 'eta'],
        ]) {
          const { out, err } = await p.runWith(variables, ...args)
          texts.push(out + err)
        }
      for (const text of texts) {
        expect(text.length).toBeGreaterThan(20)
        for (const secret of [right, wrong, inUrl]) expect(text).not.toContain(secret)
      }
    } finally {
      await guarded.close()
    }
  })

  test('where nothing answers on an open connection it ends within a quarter of a minute', async () => {
    const [toRedis, toPostgres] = [await faultProxy(redis.port), await faultProxy(postgres.port)]
    try {
      toRedis.halfOpen()
      toPostgres.halfOpen()
      const silent = postgres.url.replace(`:${postgres.port}`, `:${toPostgres.port}`)
      const began = performance.now()
      const all = await examine({
        SIXFOLD_ONLINE_URL: `redis://127.0.0.1:${toRedis.port}`,
        SIXFOLD_LOG_URL: silent,
        SIXFOLD_METADATA_URL: silent,
      })
      expect(performance.now() - began).toBeLessThan(15_000)
      expect(all.code).toBe(1)
      for (const port of ['online', 'log', 'metadata']) expect(errors(store(all, port).problems)).toHaveLength(1)
      expect(store(all, 'artifacts').problems).toEqual([])
    } finally {
      await Promise.all([toRedis.close(), toPostgres.close()])
    }
  })
})

describeWith(['redis', 'postgres', 'kafka', 's3'], 'a platform of shared stores alone', () => {
  test('is well, and takes a model', async () => {
    const [redis, postgres, kafka, s3] = await Promise.all([startRedis(), startPostgres(), startKafka(), startS3()])
    try {
      await s3.bucket('models')
      const variables: Variables = {
        SIXFOLD_ONLINE_URL: redis.url,
        SIXFOLD_LOG_URL: `kafka://${kafka.url}?replication=1&partitions=2`,
        SIXFOLD_METADATA_URL: postgres.url,
        SIXFOLD_ARTIFACTS_URL: `s3://models/sixfold?region=${s3.region}&endpoint=${s3.url}&pathStyle=true`,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      }
      const added = await p.runWith(variables, 'model', 'add', 'eta', 'eta.onnx')
      expect(added.out).toContain('eta version 1')
      const ran = await p.runWith(variables, 'doctor', '--json')
      const all = found(ran)
      expect(all.stores.flatMap(({ report }) => errors(report.problems))).toEqual([])
      expect(ran.code).toBe(0)
      expect(all.stores.map(({ report }) => report.technology)).toEqual([
        'Redis',
        'Kafka',
        'PostgreSQL',
        'S3',
        'DuckDB',
      ])
      for (const { report } of all.stores) expect(report.roundTripMs).toBeGreaterThan(0)
      expect(ran.out + ran.err + added.out + added.err).not.toContain(s3.secretAccessKey)
    } finally {
      await Promise.all([redis, postgres, kafka, s3].map((service) => service.close()))
    }
  })
})
