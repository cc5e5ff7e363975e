/** Load on a server for some seconds: wrk where it is installed, our own generator where not; the same for all servers of a run. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Server } from './servers.ts'

export interface Load {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Microseconds of the server's processor time for a request. */
  readonly cpuMicros: number
}

const connections = 32
const hasWrk = spawnSync('wrk', ['--version']).error === undefined
export const generator = hasWrk ? `wrk -t1 -c${connections}` : `our own generator, ${connections} connections`

/** Throws if any answer was not 200, unless the server may refuse some, as one that sheds load does: then those that were answered count. */
export async function load(
  server: Server,
  path: string,
  users: number,
  seconds: number,
  refuses = false,
): Promise<Load> {
  const here = import.meta.dirname
  const url = server.url + path
  const [command, args] = hasWrk
    ? ['wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', join(here, 'post.lua'), url]]
    : [process.execPath, [join(here, 'load.mjs'), url, server.template, users, connections, seconds].map(String)]
  const before = server.cpuSeconds()
  const child = spawn(command as string, args as string[], {
    env: { ...process.env, TEMPLATE: server.template, USERS: String(users) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  await once(child, 'close')
  const line = out.split('\n').find((text) => text.startsWith('{'))
  if (line === undefined) throw new Error(`The load generator said: ${out}`)
  const { requests, seconds: took, p50, p99, errors } = JSON.parse(line) as { readonly [name: string]: number }
  if ((errors! > 0 && !refuses) || requests === 0) throw new Error(`${url}: ${errors} of ${requests} requests failed.`)
  const cpuMicros = ((server.cpuSeconds() - before) / requests!) * 1e6
  return { perSecond: (requests! - errors!) / took!, p50: p50!, p99: p99!, cpuMicros }
}
