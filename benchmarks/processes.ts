/** Servers in processes of their own: waited for, looked at, and ended. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastOf } from './peers/python.ts'

export const program = join(import.meta.dirname, '../dist/runtime/bin.js')

export async function answering(child: ChildProcess, url: string): Promise<void> {
  const complaints = lastOf(child)
  for (let attempt = 0; ; attempt++) {
    if (child.exitCode !== null || attempt > 300) throw new Error(`${url} does not answer: ${complaints()}`)
    const answers = await fetch(url).then(
      () => true,
      () => false,
    )
    if (answers) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

export const piped = (environment: NodeJS.ProcessEnv = {}) => ({
  env: { ...process.env, ...environment },
  stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
})

export async function firstLine(child: ChildProcess): Promise<string> {
  const complaints = lastOf(child)
  return new Promise((resolve, reject) => {
    let out = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      const end = out.indexOf('\n')
      if (end >= 0) resolve(out.slice(0, end))
    })
    child.once('exit', (code) => reject(new Error(`A server ended with ${code}: ${out} ${complaints()}`)))
  })
}

export function over(child: ChildProcess): { cpuSeconds(): number; memoryMiB(): number; stop(): Promise<void> } {
  const ended = once(child, 'exit')
  return {
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    memoryMiB: () => memoryMiBOf(child.pid!),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** User and system time of the process and those that it started, in hundredths of a second as Linux counts them. */
export function cpuSecondsOf(pid: number): number {
  try {
    let ticks = 0
    for (const one of familyOf(pid)) {
      const fields = statOf(one)
      // The last two are of children that have ended.
      for (const at of [11, 12, 13, 14]) ticks += Number(fields[at])
    }
    return ticks / 100
  } catch {
    return Number.NaN
  }
}

/** What the process and those that it started have of memory to themselves; NaN where that cannot be read. */
export function memoryMiBOf(pid: number): number {
  try {
    let kibibytes = 0
    for (const one of familyOf(pid))
      kibibytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    return kibibytes / 1024
  } catch {
    return Number.NaN
  }
}

const statOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')

function familyOf(pid: number): ReadonlySet<number> {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          return [[Number(name), Number(statOf(Number(name))[1])] as const]
        } catch {
          return []
        }
      }),
  )
  const family = new Set([pid])
  for (let size = 0; size < family.size; ) {
    size = family.size
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child)
  }
  return family
}
