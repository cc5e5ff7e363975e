/** One whole run of a batch in a process of its own: planned, scored, judged and published, as `sixfold batch run` does it. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../sixfold.ts'
import { platformOver, platformWithFeatures } from './platform.ts'

const [folder = '.', model = '', rows = '', events] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })

/** MiB of this process alone: files that are mapped are the system's, and are there as long as nobody else wants the memory. */
let peak = 0
const ownMiB = (): number => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
const sampling = setInterval(() => {
  peak = Math.max(peak, ownMiB())
}, 50)
const peakSince = (): number => {
  const most = Math.round(Math.max(peak, ownMiB()))
  peak = 0
  return most
}

const defined = events === undefined ? platformOver(rows) : platformWithFeatures(rows, events)
const opened = await open(defined, { project: folder, data: join(folder, 'data'), serving: false })
try {
  const options = { description: null, to: 'production', facts: null, golden: null } as const
  const { stopped } = await opened.registry.add('score', model, options, { actor: 'local:bench', reason: null })
  if (stopped !== null) throw new Error(JSON.stringify(stopped))
  const { batches } = opened
  const { id } = await batches.begin('nightly', { actor: 'local:bench' })
  peakSince()
  const began = performance.now()
  const planned = await batches.plan(id)
  const scoring = performance.now()
  await batches.score(id, null)
  const scored = performance.now()
  const scoreMiB = peakSince()
  const { run, partitions } = await batches.run(id)
  const ended = performance.now()
  if (run.state !== 'published') throw new Error(`The run is ${run.state}: ${JSON.stringify(run.verdict)}`)
  process.stdout.write(
    `${JSON.stringify({
      rows: partitions.reduce((sum, { output }) => sum + output!.rows, 0),
      seconds: (scored - began) / 1000,
      planSeconds: (scoring - began) / 1000,
      publishSeconds: (ended - scored) / 1000,
      partitions: planned.partitions.length,
      peakMiB: scoreMiB,
      publishMiB: peakSince(),
    })}\n`,
  )
} finally {
  clearInterval(sampling)
  await opened.close()
}
