/** Each URL of a store: what it comes to, and each mistake in one with what is said of it. */
import { describe, expect, test } from 'vitest'
import type { StorePort } from '../../src/runtime/store-settings.ts'
import { describeSetting } from '../../src/runtime/store-settings.ts'
import { readStoreUrl, settingsOf } from '../../src/runtime/store-urls.ts'

const planted = 'pl4nted-s3cret'

function read(port: StorePort, url: string, given: { inFile?: boolean; password?: string } = {}) {
  const said: string[] = []
  const setting = readStoreUrl(
    port,
    { name: `stores.${port}`, url, inFile: given.inFile ?? false, password: given.password ?? null },
    (text) => said.push(text),
  )
  return { setting, said: said.join(' ') }
}

describe('a good URL', () => {
  test.each<[StorePort, string, object]>([
    [
      'online',
      'redis://cache.internal',
      { url: 'redis://cache.internal:6379/0', username: null, password: null, prefix: 'sixfold' },
    ],
    [
      'online',
      'rediss://app:p%40ss@[::1]:6390/3?prefix=shop',
      { url: 'rediss://[::1]:6390/3', username: 'app', password: 'p@ss', prefix: 'shop' },
    ],
    ['online', 'redis://:only@h', { username: null, password: 'only' }],
    [
      'log',
      'kafka://b1,b2:9093',
      {
        technology: 'kafka',
        brokers: ['b1:9092', 'b2:9093'],
        prefix: 'sixfold',
        partitions: 8,
        replication: 3,
        tls: false,
        sasl: null,
      },
    ],
    [
      'log',
      'kafka://me:pw@b1:9092/?sasl=scram-sha-512&tls=true&partitions=12&replication=1',
      {
        partitions: 12,
        replication: 1,
        tls: true,
        sasl: { mechanism: 'SCRAM-SHA-512', username: 'me', password: 'pw' },
      },
    ],
    [
      'log',
      'postgres://six@db/events',
      { technology: 'postgres', url: 'postgres://six@db:5432/events', password: null, schema: 'sixfold' },
    ],
    [
      'metadata',
      'postgres://six:a%3Ab@db:5433/meta?schema=ml&sslmode=verify-full',
      { url: 'postgres://six@db:5433/meta?sslmode=verify-full', password: 'a:b', schema: 'ml' },
    ],
    [
      'artifacts',
      's3://models/team/a/?region=eu-central-1',
      { bucket: 'models', prefix: 'team/a', region: 'eu-central-1', endpoint: null, pathStyle: false },
    ],
    [
      'artifacts',
      's3://models?endpoint=http://127.0.0.1:9000&pathStyle=true',
      { bucket: 'models', prefix: '', region: null, endpoint: 'http://127.0.0.1:9000', pathStyle: true },
    ],
    ['offline', 's3://?region=us-east-1', { region: 'us-east-1', endpoint: null, pathStyle: false }],
  ])('%s %s', (port, url, wanted) => {
    expect(read(port, url)).toMatchObject({ setting: wanted, said: '' })
  })

  test('takes its password from the variable as well', () => {
    const { setting } = read('metadata', 'postgres://six@db/meta', { inFile: true, password: 'pw' })
    expect(setting).toMatchObject({ password: 'pw' })
    expect(read('log', 'kafka://me@b1?sasl=plain', { inFile: true, password: 'pw' }).setting).toMatchObject({
      sasl: { mechanism: 'PLAIN', username: 'me', password: 'pw' },
    })
  })

  test('is told without its password, and reads back as the same', () => {
    for (const [port, url, told] of [
      ['online', `rediss://app:${planted}@h:6390/3?prefix=shop`, 'rediss://app@h:6390/3?prefix=shop'],
      [
        'log',
        `kafka://me:${planted}@b1,b2?sasl=plain&tls=true`,
        'kafka://me@b1:9092,b2:9092?prefix=sixfold&partitions=8&replication=3&tls=true&sasl=plain',
      ],
      [
        'metadata',
        `postgres://six:${planted}@db/meta?sslmode=require`,
        'postgres://six@db:5432/meta?sslmode=require&schema=sixfold',
      ],
      ['artifacts', 's3://models/a?endpoint=https://s3.internal', 's3://models/a?endpoint=https://s3.internal'],
      ['offline', 's3://', 's3://'],
    ] as const) {
      const { setting } = read(port, url)
      expect(describeSetting(setting!)).toBe(told)
      expect(read(port, told, { password: planted }).setting ?? read(port, told).setting).toEqual(setting)
    }
  })
})

describe('a mistake', () => {
  test.each<[StorePort, string, string]>([
    ['online', 'reddis://h', "Its scheme 'reddis' is none of this store. Did you mean 'redis'?"],
    ['online', 'mongodb://h', "Its scheme 'mongodb' is none of this store. There are: redis, rediss."],
    ['metadata', 'redis://h', "Its scheme 'redis' is none of this store. There is: postgres."],
    ['online', 'cache.internal:6379', 'It is no URL: it begins with no scheme.'],
    ['online', 'redis://', 'It names no host.'],
    ['online', 'redis://user@', 'It names no host.'],
    ['online', 'redis://h:port', 'Its port is not a number from 1 to 65535.'],
    ['online', 'redis://h:0', 'Its port is not a number from 1 to 65535.'],
    ['online', 'redis://h:65536', 'Its port is not a number from 1 to 65535.'],
    ['online', 'redis://h:', 'Its port is not a number from 1 to 65535.'],
    ['online', 'redis://a,b', 'It names several hosts; one is wanted.'],
    ['online', 'redis://h/zero', 'After the host stands no number of a database.'],
    ['online', 'redis://h?prefx=a', "It has the unknown parameter 'prefx'. Did you mean 'prefix'?"],
    ['online', 'redis://h?prefix=a&prefix=b', "It has the parameter 'prefix' twice."],
    ['online', 'redis://h?prefix=a%20b', "Its parameter 'prefix' is not a name of letters"],
    ['online', 'redis://h?prefix=', "Its parameter 'prefix' is not a name of letters"],
    ['online', 'redis://h#x', "It has a '#' or a space, which mean nothing here."],
    ['online', 'redis://h?prefix=%zz', "It has a '%' that is not followed by two hexadecimal digits"],
    ['log', 'kafka://b1,,b2', 'It names no host.'],
    ['log', 'kafka://b1/topic', 'After the hosts it has a path'],
    ['log', 'kafka://b1?partitions=0', "Its parameter 'partitions' is not a whole number from 1 to 1,000."],
    ['log', 'kafka://b1?replication=1.5', "Its parameter 'replication' is not a whole number from 1 to 100."],
    ['log', 'kafka://b1?tls=yes', "Its parameter 'tls' is not 'true' or 'false'."],
    [
      'log',
      'kafka://u:p@b1?sasl=scram-sha256',
      "Its parameter 'sasl' is none of its values. Did you mean 'scram-sha-256'?",
    ],
    ['log', 'kafka://u@b1?sasl=plain', 'no password is given. Set SIXFOLD_LOG_PASSWORD in the environment.'],
    ['log', 'kafka://b1?sasl=plain', "It has 'sasl' and no user before '@'."],
    ['log', 'kafka://u:p@b1', "It has a user or a password and no 'sasl'"],
    ['metadata', 'postgres://u@db', 'After the host it names no database.'],
    ['metadata', 'postgres://u@db/a/b', 'After the host it names no database.'],
    ['metadata', 'postgres://db/meta', "It names no user before '@'."],
    ['metadata', 'postgres://u@db/meta?schema=Six', "Its parameter 'schema' is not a name of small letters"],
    [
      'metadata',
      'postgres://u@db/meta?sslmode=on',
      "Its parameter 'sslmode' is none of its values. There are: disable",
    ],
    ['artifacts', 's3://', 'It names no bucket.'],
    ['artifacts', 's3://Models', 'Its bucket is not a name of 3 to 63 small letters'],
    ['artifacts', 's3://models/a b', "It has a '#' or a space"],
    ['artifacts', 's3://models/a//b', 'After the bucket it has a path with characters that S3 does not keep'],
    ['artifacts', 's3://models?endpoint=minio:9000', "Its parameter 'endpoint' is not the address of a server"],
    ['artifacts', 's3://key:secret@models', 'It holds credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    ['offline', 's3://bucket', 'It names a bucket; the buckets are those of the paths in the definitions.'],
  ])('%s %s', (port, url, wanted) => {
    const { setting, said } = read(port, url)
    expect(setting).toBeNull()
    expect(said).toContain(`'stores.${port}': `)
    expect(said).toContain(wanted)
    expect(said).toMatch(/ Such a URL is '[a-z0-9]+:\/\/[^ ]+'\.$/)
  })

  test('in a file a password is one, and the variable for it is named', () => {
    for (const [port, url] of [
      ['online', `redis://:${planted}@h`],
      ['log', `kafka://u:${planted}@h?sasl=plain`],
      ['metadata', `postgres://u:${planted}@h/db`],
    ] as const) {
      const { setting, said } = read(port, url, { inFile: true })
      expect(setting).toBeNull()
      expect(said).toContain(
        `It holds a password, which has no place in a file. Set SIXFOLD_${port.toUpperCase()}_PASSWORD in the environment.`,
      )
      expect(said).not.toContain(planted)
    }
  })

  test('given twice a password is one as well', () => {
    expect(read('online', 'redis://:a@h', { password: 'b' }).said).toContain('SIXFOLD_ONLINE_PASSWORD is set as well')
  })

  test('all of a URL are told at once', () => {
    const { said } = read('log', 'kafka://b1/x?partitions=no&tls=1&colour=red')
    for (const part of ['a path', "'partitions'", "'tls'", "'colour'"]) expect(said).toContain(part)
  })
})

test('whatever is wrong, nothing that might be a secret is repeated', () => {
  const around = [
    `redis://u:${planted}`,
    `redis://:${planted}`,
    `redis://u:${planted}/h`,
    `redis://u:a/${planted}@h`,
    `redis://u:a?${planted}@h`,
    `redis://u:a#${planted}@h`,
    `redis://u:a@${planted}@h`,
    `redis://u:${planted}%@h`,
    `redis://u:${planted}@h:port`,
    `redis://u:${planted}@`,
    `redis://h?password=${planted}`,
    `redis://h?prefix=${planted}!`,
    `redis://h/${planted}`,
    `redis//u:${planted}@h`,
    `${planted}`,
    `${planted}@h`,
    `REDIS://u:${planted}@h`,
    `u:${planted}@h`,
  ]
  for (const url of around)
    for (const port of ['online', 'log', 'metadata', 'artifacts', 'offline'] as const)
      for (const inFile of [true, false]) {
        const { setting, said } = read(
          port,
          url.replace(
            /^redis:/,
            port === 'online' ? 'redis:' : port === 'log' ? 'kafka:' : port === 'metadata' ? 'postgres:' : 's3:',
          ),
          { inFile },
        )
        expect(setting, url).toBeNull()
        expect(said, url).not.toContain(planted)
        expect(said.length).toBeGreaterThan(20)
      }
})

test('in a program a URL may hold its password, and what is wrong of all of them is one error', () => {
  expect(settingsOf({ online: 'redis://:pw@h', log: undefined })).toMatchObject({
    online: { password: 'pw' },
    log: null,
  })
  expect(() => settingsOf({ online: 'redis://', metadata: 'mysql://h' })).toThrow(
    /^'stores\.online': It names no host\..*'stores\.metadata': Its scheme 'mysql'/,
  )
})
