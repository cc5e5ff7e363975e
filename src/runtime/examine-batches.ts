/** How batches stand, for whoever examines a system: what is live, what is on the way, and what was left lying there. */
import type { ExaminedProblem } from '../api/index.ts'
import type { BatchStore, RunState } from '../ports/batch-store.ts'

/** A run that passed may wait for whoever publishes it; these go on by themselves. */
const onTheWay: readonly RunState[] = ['planning', 'scoring', 'auditing']
/** More would say the same. */
const most = 20
/** Between two steps nobody has a run, for moments. */
const leftMs = 60_000

export interface BatchExamination {
  /** Null where there are none. */
  readonly words: string | null
  readonly problems: readonly ExaminedProblem[]
}

export async function examineBatches(store: BatchStore, environment: string, now: number): Promise<BatchExamination> {
  const [live, going] = await Promise.all([
    store.live(environment),
    store.runs({ environment, states: onTheWay, brief: true, limit: most }),
  ])
  if (live.length === 0 && going.length === 0) return { words: null, problems: [] }
  const problems: ExaminedProblem[] = []
  for (const run of going)
    if (now - run.updatedAt > leftMs && (await store.workers(run.id)).length === 0)
      problems.push({
        of: 'batches',
        severity: 'warning',
        what: `Run ${run.version} of '${run.batch}' is ${run.state}, and nobody works on it.`,
        fix: `Go on with it by \`sixfold batch resume ${run.batch}@${run.version}\`.`,
      })
  const runs = `${going.length}${going.length === most ? ' or more' : ''} ${going.length === 1 ? 'run' : 'runs'} on the way`
  return { words: `${live.length} live, ${runs}`, problems }
}
