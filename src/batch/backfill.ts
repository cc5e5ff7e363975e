/** Runs for instants that have passed: each of the schedule's in a span, a bounded number at once. The same backfill asked for again goes on. */
import { hashOfDefinition } from '../definition/describe.ts'
import { batchNamed } from '../definition/graph.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { BatchContext } from './context.ts'
import { inProduction } from './context.ts'
import { instantsBetween } from './schedule/instants.ts'
import type { BackfillOptions, Batches, RunDetail } from './service.ts'

const runsMost = 2_000

export async function backfill(
  context: BatchContext,
  batches: Pick<Batches, 'begin' | 'resume'>,
  name: string,
  { from, until, parallel = 1, actor, ...watched }: BackfillOptions,
): Promise<readonly RunDetail[]> {
  const batch = batchNamed(context.platform, name)
  if (batch.schedule === null)
    throw new SixfoldError(
      'SX_BATCH_STATE',
      `'${name}' has no schedule: it says of no instants that they are its own.`,
      {
        fix: 'Give it one, or run it for single instants: sixfold batch run --at.',
      },
    )
  const instants: number[] = []
  for (const instant of instantsBetween(batch.schedule, from, Math.min(until, context.now() + 1))) {
    if (instants.length >= runsMost)
      throw new SixfoldError(
        'SX_REQUEST_INVALID',
        `More than ${runsMost} runs lie between ${formatInstant(from)} and ${formatInstant(until)}.`,
        {
          fix: 'Backfill a shorter span at once.',
        },
      )
    instants.push(instant)
  }
  const { version } = await inProduction(context, batch.model.name)
  const which = `${version} ${hashOfDefinition(batch).slice(0, 12)}`
  const details: RunDetail[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let i = next++; i < instants.length; i = next++) {
      watched.signal?.throwIfAborted()
      const at = instants[i]!
      // By another version or definition it is another backfill.
      const occasion = `backfill ${formatInstant(at)} ${which}`
      const run = await batches.begin(name, { at, reason: 'backfill', occasion, actor })
      details[i] = await batches.resume(run.id, watched)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(parallel, instants.length)) }, lane))
  return details
}
