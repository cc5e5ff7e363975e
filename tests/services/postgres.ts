/**
 * PostgreSQL: a cluster of its own with one database, durable as by default (`fsync` and `synchronous_commit` are on). The server
 * refuses to run as root, so that for root it runs as the user `postgres` of the package.
 */
import { execFile } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { postgresFolder, program } from '../../scripts/installed.mjs'
import { freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

const execute = promisify(execFile)

export async function startPostgres(): Promise<Service> {
  const [port, folder] = [await freePort(), await dataFolder('postgres')]
  const programs = postgresFolder() ?? ''
  const user = await unprivileged(folder)
  const data = join(folder, 'data')
  const create = [
    join(programs, 'initdb'),
    '-D',
    data,
    '-U',
    'sixfold',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '-N',
  ]
  const [file, ...args] = user.length === 0 ? create : [program('setpriv') ?? 'setpriv', ...user, '--', ...create]
  await execute(file!, args, { cwd: folder })
  const service = await startService({
    name: 'postgres',
    port,
    folder,
    user,
    url: `postgres://sixfold@127.0.0.1:${port}/sixfold`,
    command: [join(programs, 'postgres'), '-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', ''],
    // Ends its sessions and does not wait for them to leave.
    stopSignal: 'SIGINT',
    healthy: () => ask(port, 'select 1'),
    // The sessions of a killed server take a moment to notice.
    again: /pre-existing shared memory block|lock file "postmaster.pid" already exists/,
  })
  await ask(port, 'create database sixfold')
  return service
}

async function ask(port: number, sql: string): Promise<void> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'sixfold',
    database: 'postgres',
    connectionTimeoutMillis: 2_000,
    query_timeout: 20_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Gives the folder to the package's user, and says how to become that one. */
async function unprivileged(folder: string): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return []
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (part) => Number((await execute('id', [part, 'postgres'])).stdout)),
  )
  await chown(folder, uid!, gid!)
  return ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups']
}
