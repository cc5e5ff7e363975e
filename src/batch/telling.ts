/** Tells of runs as they begin and end, beside what is done with them. Whoever is told may be away: no run fails or waits for that. */
import type { BatchStore } from '../ports/batch-store.ts'
import type { LineageEvent } from './lineage.ts'
import type { Batches, RunDetail } from './service.ts'

export interface Teller {
  /** Never rejects. */
  tell(events: readonly LineageEvent[]): Promise<void>
}

/** At most so long the end of a command is put off until everything was told. */
export function telling(batches: Batches, store: Pick<BatchStore, 'run'>, teller: Teller): Batches {
  const told = async (id: string, wanted: (event: LineageEvent) => boolean): Promise<void> => {
    try {
      const run = await store.run(id)
      if (run === null) return
      const events = (await batches.lineage(run.batch, id)) as readonly LineageEvent[]
      await teller.tell(events.filter(wanted))
    } catch {
      // What cannot be read now is told with the end of the run, or by whoever goes on with it.
    }
  }
  const began = (id: string): Promise<void> => told(id, ({ eventType }) => eventType === 'START')
  const ended = (id: string): Promise<void> => told(id, ({ eventType }) => eventType !== 'START')
  /** How it ended is told also where it ended with an error. */
  const ending = async (id: string, work: () => Promise<RunDetail>): Promise<RunDetail> => {
    try {
      return await work()
    } finally {
      await ended(id)
    }
  }
  const whole = async (id: string, work: () => Promise<RunDetail>): Promise<RunDetail> => {
    const beginning = began(id)
    try {
      return await ending(id, work)
    } finally {
      await beginning
    }
  }
  return {
    ...batches,
    plan: async (id, watched) => {
      const detail = await batches.plan(id, watched)
      await began(id)
      return detail
    },
    score: (id, partition, watched) => ending(id, () => batches.score(id, partition, watched)),
    audit: (id) => ending(id, () => batches.audit(id)),
    publish: (id, who) => ending(id, () => batches.publish(id, who)),
    run: (id, watched) => whole(id, () => batches.run(id, watched)),
    resume: (id, watched) => whole(id, () => batches.resume(id, watched)),
    cancel: (id, who) => ending(id, () => batches.cancel(id, who)),
    backfill: async (name, options) => {
      const details = await batches.backfill(name, options)
      for (const { run } of details) await told(run.id, () => true)
      return details
    },
  }
}
