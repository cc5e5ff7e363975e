/** A process that takes the run to its end and is killed at a failure point, or held there: `table-killed.ts POINT FOLDER URL RUN NOW SIGNAL`. */
import { platformWith, tablePlace } from './table-place.ts'

const [, , point, folder, url, run, now, signal] = process.argv
;(globalThis as { [point: symbol]: unknown })[Symbol.for('sixfold.failpoint')] = (name: string): void => {
  if (name === point) process.kill(process.pid, signal)
}
const place = await tablePlace(url!, folder!)
place.clock.advanceTo(Number(now))
const opened = await place.open(platformWith('tonight'))
await opened.batches.resume(run!)
process.stdout.write('ended\n')
await opened.close()
