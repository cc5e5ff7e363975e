/** A process that takes a run of the batch to its end, and is killed at the failure point that KILL_AT names, the time that KILL_AFTER counts. */
import { writeSync } from 'node:fs'
import { opened } from './batch-project.ts'

const passed = new Set<string>()
const {
  KILL_AT: killAt,
  KILL_AFTER: killAfter = '0',
  DRILL_FOLDER: folder,
  DRILL_AT: at,
  DRILL_OCCASION: occasion,
} = process.env
let countdown = Number(killAfter)
;(globalThis as { [point: symbol]: unknown })[Symbol.for('sixfold.failpoint')] = (name: string): void => {
  if (!/^(plan|score|audit|publish): /.test(name)) return
  if (!passed.has(name)) {
    passed.add(name)
    writeSync(2, `point ${name}\n`)
  }
  if (name !== killAt || countdown-- > 0) return
  writeSync(2, `killed at ${name}\n`)
  process.kill(process.pid, 'SIGKILL')
}

const { batches, close } = await opened(folder!, false)
const { id } = await batches.begin('tonight', { at: Number(at), occasion: occasion!, actor: 'local:drill' })
writeSync(1, 'begun\n')
// Whoever was killed holds its leases for some seconds more.
for (;;)
  try {
    const { run } = await batches.resume(id)
    writeSync(1, `${JSON.stringify({ state: run.state, version: run.version, error: run.error })}\n`)
    break
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'SX_BATCH_BUSY') throw error
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
await close()
