/**
 * The peers' Python: an environment under `.peers/`, which `setup.ts` makes. Where there is none, a benchmark says so and measures
 * without them; no figure is made up.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const environment = join(import.meta.dirname, '../../.peers/venv')
export const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
/** Its command line. */
export const feastProgram = join(environment, process.platform === 'win32' ? 'Scripts/feast.exe' : 'bin/feast')
const made = join(environment, 'made')

/** Null if peers can be run, or a sentence on why not. */
export const whyNoPeers = (wanted: boolean): string | null =>
  !wanted
    ? 'Python peers were left out'
    : existsSync(made)
      ? null
      : 'Python peers are not installed: run `npx jiti benchmarks/peers/setup.ts`'

/** Where a complete environment says that it is one. */
export const stamp = made

export interface Feast {
  join(labels: string, out: string, how: 'df' | 'arrow' | 'persist'): Promise<FeastAnswer>
  materialize(): Promise<FeastAnswer>
  read(users: number, reads: number): Promise<FeastAnswer>
  push(batches: number, rows: number): Promise<FeastAnswer>
  stop(): Promise<void>
}
export interface FeastAnswer {
  readonly seconds: number
  readonly peakMiB: number
}

/** A Feast repository over the tables in `data`, in a process of its own; its values in sqlite, or in Redis at `redis`. */
export async function startFeast(
  repo: string,
  data: string,
  ...redis: readonly [] | readonly [string]
): Promise<Feast> {
  const child = spawn(python, ['-W', 'ignore', join(import.meta.dirname, 'feast_store.py'), repo, data, ...redis], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, FEAST_USAGE: 'False' },
  })
  const complaints = lastOf(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<FeastAnswer> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`Feast ended: ${complaints()}`)
    const said = JSON.parse(value) as FeastAnswer & { readonly error?: string }
    if (said.error !== undefined) throw new Error(`Feast: ${said.error}`)
    return said
  }
  const ask = (question: object): Promise<FeastAnswer> => {
    child.stdin.write(`${JSON.stringify(question)}\n`)
    return answer()
  }
  await answer()
  return {
    join: (labels, out, how) => ask({ do: 'join', labels, out, how }),
    materialize: () => ask({ do: 'materialize' }),
    read: (users, reads) => ask({ do: 'read', users, reads }),
    push: (batches, rows) => ask({ do: 'push', batches, rows }),
    stop: async () => {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}

/** The end of what a process complains. */
export function lastOf(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4_000)
  })
  return () => text
}
