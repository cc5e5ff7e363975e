/** One whole run of a batch in a process of its own: planned, scored, judged and published, as `sixfold batch run` does it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../sixfold.ts'
import { platformOver } from './platform.ts'

const [folder = '.', model = '', rows = ''] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
const opened = await open(platformOver(rows), { project: folder, data: join(folder, 'data'), serving: false })
try {
  const options = { description: null, to: 'production', facts: null, golden: null } as const
  const { stopped } = await opened.registry.add('score', model, options, { actor: 'local:bench', reason: null })
  if (stopped !== null) throw new Error(JSON.stringify(stopped))
  const { batches } = opened
  const { id } = await batches.begin('nightly', { actor: 'local:bench' })
  const began = performance.now()
  const planned = await batches.plan(id)
  const scoring = performance.now()
  await batches.score(id, null)
  const scored = performance.now()
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
      peakMiB: process.resourceUsage().maxRSS / 1024,
    })}\n`,
  )
} finally {
  await opened.close()
}
