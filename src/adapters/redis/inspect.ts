/**
 * What Redis says of itself, and whether it can hold online state: that it forgets nothing by itself, that it can be written to,
 * and that the user may do what the store does, which is tried on a key of its own.
 */
import { limits } from '../../kernel/limits.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import type { Fact } from '../report.ts'
import { aheadOf, clockFact, problemOf, roundTripOf } from '../report.ts'
import type { Connection } from './connection.ts'
import { UnknownScript } from './errors.ts'
import type { Keys } from './keys.ts'

/** The oldest version that is still looked after by those who make it or sell it. */
const oldest = [6, 2] as const
const waitMs = 2_000

export async function inspectRedis(connection: Connection, keys: Keys): Promise<StoreReport> {
  const { where } = connection
  const problems: StoreProblem[] = []
  let [version, roundTripMs, technology]: [string | null, number | null, string] = [null, null, 'Redis']
  let facts: readonly Fact[] = []
  try {
    await connection.up(performance.now() + waitMs)
    roundTripMs = await roundTripOf(() => connection.send(['PING']))
    const info = await askInfo(connection)
    if (info['server_name'] === 'valkey') technology = 'Valkey'
    version = (technology === 'Valkey' ? info['valkey_version'] : info['redis_version']) ?? null
    const save = await setting(connection, 'save')
    facts = await factsOf(connection, info, save)
    problems.push(...problemsOf(info, save))
    if (info['role'] !== 'slave') problems.push(...(await tryCommands(connection, keys)))
    const clock = clockFact(await aheadOf(() => clockOf(connection)), limits.skewMs)
    facts = [...facts, clock.fact]
    problems.push(...clock.problems)
  } catch (error) {
    problems.push(problemOf(error, 'Start Redis, or correct the URL.'))
  }
  return { technology, where, version, roundTripMs, facts, problems }
}

type Info = Readonly<Record<string, string>>

async function askInfo(connection: Connection): Promise<Info> {
  const text = (await connection.send<Buffer>(['INFO'])).toString()
  return Object.fromEntries([...text.matchAll(/^([a-z_0-9]+):(.*?)\r?$/gm)].map(([, name, value]) => [name!, value!]))
}

/** Null where the server does not tell, as managed ones often do not. */
async function setting(connection: Connection, name: string): Promise<string | null> {
  try {
    const [, value] = await connection.send<readonly Buffer[]>(['CONFIG', 'GET', name])
    return value?.toString() ?? null
  } catch {
    return null
  }
}

async function factsOf(connection: Connection, info: Info, save: string | null): Promise<readonly Fact[]> {
  const [used, allowed] = [Number(info['used_memory'] ?? 0), Number(info['maxmemory'] ?? 0)]
  return [
    { name: 'role', value: info['role'] === 'slave' ? 'replica' : 'primary' },
    { name: 'replicas', value: info['connected_slaves'] ?? 'unknown' },
    { name: 'memory', value: `${formatBytes(used)} of ${allowed === 0 ? 'no limit' : formatBytes(allowed)}` },
    { name: 'when memory is full', value: info['maxmemory_policy'] ?? 'unknown' },
    { name: 'persistence', value: persistenceOf(info, save) ?? 'unknown' },
    { name: 'clients', value: info['connected_clients'] ?? 'unknown' },
    { name: 'keys', value: String(await connection.send<number>(['DBSIZE'])) },
  ]
}

function persistenceOf(info: Info, save: string | null): string | null {
  if (info['aof_enabled'] === '1') return 'append-only file'
  if (save === null) return null
  return save === '' ? 'none' : `snapshots (${save})`
}

function problemsOf(info: Info, save: string | null): readonly StoreProblem[] {
  const found: StoreProblem[] = []
  const version = info['redis_version'] ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    found.push({
      severity: 'error',
      what: `Version ${version} is older than ${oldest.join('.')}.`,
      fix: `Use Redis ${oldest.join('.')} or newer.`,
    })
  if (info['redis_mode'] === 'cluster' || info['cluster_enabled'] === '1')
    found.push({
      severity: 'error',
      what: 'It is a cluster, where one update cannot change keys of several slots.',
      fix: 'Use one primary, with replicas if you like, and cluster mode disabled.',
    })
  if (info['role'] === 'slave')
    found.push({
      severity: 'error',
      what: 'It is a replica, which cannot be written to.',
      fix: 'Let the URL point to the primary.',
    })
  if (/^allkeys-/.test(info['maxmemory_policy'] ?? ''))
    found.push({
      severity: 'error',
      what: `When memory is full it deletes keys (maxmemory-policy ${info['maxmemory_policy']}): state would vanish without a word.`,
      fix: 'Set maxmemory-policy to noeviction.',
    })
  if (persistenceOf(info, save) === 'none')
    found.push({
      severity: 'warning',
      what: 'It keeps nothing on disk: after a restart it is empty, and until the state is built again answers have no features.',
      fix: 'Set appendonly to yes.',
    })
  return found
}

/** What the store does, on a key that is nobody's. */
async function tryCommands(connection: Connection, { trial, startingWith }: Keys): Promise<readonly StoreProblem[]> {
  const script =
    "redis.call('ZADD', KEYS[1], 1, 1) redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', 0) redis.call('PEXPIRE', KEYS[1], 1000) " +
    "redis.call('ZSCORE', KEYS[1], 1) redis.call('UNLINK', KEYS[1]) redis.call('MSET', KEYS[1], '') redis.call('MGET', KEYS[1]) return 1"
  const commands = [
    ['EVAL', script, '1', trial],
    ['EVALSHA', '0'.repeat(40), '1', trial],
    ['MGET', trial],
    ['UNLINK', trial],
    ['SCAN', '0', 'MATCH', startingWith(new Uint8Array()), 'COUNT', '1'],
  ]
  const refused: StoreProblem[] = []
  for (const command of commands)
    try {
      await connection.send(command)
    } catch (error) {
      if (error instanceof UnknownScript) continue
      refused.push(problemOf(error, 'See the log of Redis.'))
    }
  return refused
}

async function clockOf(connection: Connection): Promise<number> {
  const [seconds, micros] = await connection.send<readonly Buffer[]>(['TIME'])
  return Number(seconds) * 1000 + Number(micros) / 1000
}
