/** Variables of the environment: what they set, and each mistake in one. */
import { describe, expect, test } from 'vitest'
import { readEnvironment } from '../../src/runtime/environment.ts'

function read(env: { readonly [name: string]: string }) {
  const said: string[] = []
  return { ...readEnvironment(env, (text) => said.push(text)), said }
}

test('each key has its variable', () => {
  expect(
    read({
      SIXFOLD_DATA: '/data',
      SIXFOLD_HOST: '0.0.0.0',
      SIXFOLD_PORT: '8080',
      SIXFOLD_ACCESS: 'keys',
      SIXFOLD_ADMIN_KEY: 'k'.repeat(32),
      SIXFOLD_KEY: 'sxk_a_b',
      SIXFOLD_ENVIRONMENT: 'staging',
      SIXFOLD_OPENLINEAGE_KEY: 'o',
      SIXFOLD_REMOTE_TOKENS: 'http://h:8000=d',
      SIXFOLD_SYNC: 'always',
      SIXFOLD_DUCKDB_THREADS: '2',
      SIXFOLD_DUCKDB_MEMORY: '1.5GB',
      SIXFOLD_LIMIT_BODY_BYTES: '1000',
      SIXFOLD_LIMIT_STORE_READ_MS: '50',
      SIXFOLD_ONLINE_URL: 'redis://h',
      SIXFOLD_LOG_URL: 'kafka://h',
      SIXFOLD_METADATA_URL: 'postgres://h',
      SIXFOLD_ARTIFACTS_URL: 's3://b',
      SIXFOLD_OFFLINE_URL: 's3://',
      SIXFOLD_ONLINE_PASSWORD: 'a',
      SIXFOLD_LOG_PASSWORD: 'b',
      SIXFOLD_METADATA_PASSWORD: 'c',
    }),
  ).toEqual({
    data: '/data',
    host: '0.0.0.0',
    port: 8080,
    access: 'keys',
    adminKey: 'k'.repeat(32),
    key: 'sxk_a_b',
    environment: 'staging',
    sync: 'always',
    duckdb: { threads: 2, memory: '1.5GB' },
    limits: { bodyBytes: 1000, storeReadMs: 50 },
    urls: { online: 'redis://h', log: 'kafka://h', metadata: 'postgres://h', artifacts: 's3://b', offline: 's3://' },
    openLineageKey: 'o',
    remoteTokens: { 'http://h:8000': 'd' },
    passwords: { online: 'a', log: 'b', metadata: 'c' },
    said: [],
  })
})

test('an empty one is none, and those of others are not looked at', () => {
  const [none, nothing] = [null, {}]
  const empty = {
    ...{ data: none, host: none, port: none, access: none, adminKey: none, key: none, environment: none, sync: none },
    openLineageKey: none,
    ...{ duckdb: nothing, limits: nothing, urls: nothing, remoteTokens: nothing, passwords: nothing },
  }
  expect(read({ SIXFOLD_DATA: '', SIXFOLD_PORT: '', SIXFOLD_NOPE: '', SIXFOLDER: 'x', PATH: '/bin' })).toEqual({
    ...empty,
    said: [],
  })
})

describe('a mistake is named', () => {
  test.each([
    ['SIXFOLD_PORT', '80a', 'SIXFOLD_PORT is not a number from 0 to 65535.'],
    ['SIXFOLD_PORT', '65536', 'SIXFOLD_PORT is not a number from 0 to 65535.'],
    ['SIXFOLD_ACCESS', 'open', "SIXFOLD_ACCESS is not 'auto' or 'keys'."],
    [
      'SIXFOLD_ADMIN_KEY',
      'hunter2',
      'SIXFOLD_ADMIN_KEY is not a key: 32 to 512 characters, letters, digits and signs.',
    ],
    ['SIXFOLD_SYNC', 'never', "SIXFOLD_SYNC is not 'always' or 'second'."],
    ['SIXFOLD_DUCKDB_THREADS', '0', 'SIXFOLD_DUCKDB_THREADS is not a whole number above 0.'],
    ['SIXFOLD_DUCKDB_MEMORY', 'lots', "SIXFOLD_DUCKDB_MEMORY is not an amount of memory, such as '4GB'."],
    ['SIXFOLD_LIMIT_BATCH_ROWS', '-1', 'SIXFOLD_LIMIT_BATCH_ROWS is not a whole number above 0.'],
    ['SIXFOLD_ONLIN_URL', 'x', "The variable SIXFOLD_ONLIN_URL is unknown. Did you mean 'SIXFOLD_ONLINE_URL'?"],
    [
      'SIXFOLD_LIMIT_BATCHROWS',
      '1',
      "The variable SIXFOLD_LIMIT_BATCHROWS is unknown. Did you mean 'SIXFOLD_LIMIT_BATCH_ROWS'?",
    ],
    ['SIXFOLD_ARTIFACTS_PASSWORD', 'x', 'The variable SIXFOLD_ARTIFACTS_PASSWORD is unknown.'],
    ['SIXFOLD_ADMIN_PORT', '9000', 'The variable SIXFOLD_ADMIN_PORT is unknown.'],
  ])('%s=%s', (name, value, wanted) => {
    const { said } = read({ [name]: value })
    expect(said).toHaveLength(1)
    expect(said[0]).toContain(wanted)
  })
})

describe('in Kubernetes', () => {
  test('what it sets for a Service named sixfold, and for one whose name begins so, is passed by', () => {
    const { said } = read({
      SIXFOLD_SERVICE_HOST: '10.0.0.1',
      SIXFOLD_SERVICE_PORT: '6006',
      SIXFOLD_SERVICE_PORT_HTTP: '6006',
      SIXFOLD_PORT_6006_TCP: 'tcp://10.0.0.1:6006',
      SIXFOLD_PORT_6006_TCP_PROTO: 'tcp',
      SIXFOLD_PORT_6006_TCP_PORT: '6006',
      SIXFOLD_PORT_6006_TCP_ADDR: '10.0.0.1',
      SIXFOLD_REDIS_SERVICE_HOST: '10.0.0.2',
      SIXFOLD_REDIS_PORT: 'tcp://10.0.0.2:6379',
      SIXFOLD_REDIS_PORT_6379_TCP: 'tcp://10.0.0.2:6379',
    })
    expect(said).toEqual([])
  })

  test('the one that stands in the place of the port is told for what it is', () => {
    const { port, said } = read({ SIXFOLD_PORT: 'tcp://10.0.0.1:6006', SIXFOLD_SERVICE_HOST: '10.0.0.1' })
    expect(port).toBeNull()
    expect(said).toEqual([
      expect.stringMatching(/^SIXFOLD_PORT is no port: Kubernetes sets it .*`enableServiceLinks: false`/),
    ])
  })
})
