/**
 * What moves runs of batches: plan, score, audit and publish one by one, as a workflow of somebody else's takes them, and run, resume,
 * cancel, backfill and rollback. Each can be repeated, and does nothing that is done. Exit code 3: the gate refused, and what was live is.
 */
import type { BatchStanding, RunDetail } from '../../batch/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import { askerOf, reasonOption } from '../asker.ts'
import {
  batchArgument,
  detailText,
  exitOf,
  instantOption,
  runArgument,
  runNamed,
  runTable,
  watched,
  wholeOption,
  withBatches,
} from '../batches.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import { count, instant } from '../text.ts'

type Options = Readonly<Record<string, unknown>>

const engines = ['local', 'spark'] as const
const beginOptions = [
  { flags: '--at <instant>', description: 'the instant of the run; by default the last that was due, or now' },
  { flags: '--engine <engine>', description: `what computes it: ${engines.join(' or ')}; by default local` },
]

function engineOption(given: unknown): BatchRun['engine'] | undefined {
  const found = engines.find((one) => one === given)
  if (given === undefined || found !== undefined) return found
  throw new SixfoldError('SX_USAGE', `There is no engine '${String(given)}'.`, { fix: `Name ${engines.join(' or ')}.` })
}

function beginning(options: Options): { at?: number; engine?: BatchRun['engine']; occasion?: string; actor: string } {
  const [at, engine, occasion] = [
    instantOption(options['at'], '--at'),
    engineOption(options['engine']),
    options['occasion'],
  ]
  return {
    ...(at === undefined ? {} : { at }),
    ...(engine === undefined ? {} : { engine }),
    ...(occasion === undefined ? {} : { occasion: String(occasion) }),
    actor: askerOf({}).actor,
  }
}

/** Few words, whatever the number of partitions: a workflow keeps them. */
interface Planned {
  readonly run: string
  readonly batch: string
  readonly version: number
  readonly state: BatchRun['state']
  readonly at: string
  /** Those that are not done. */
  readonly partitions: readonly number[]
}

const batchPlan = defineCommand<Planned>({
  name: 'batch plan',
  summary: 'Begin a run, or find the one of that occasion, and cut its rows into partitions.',
  arguments: [batchArgument],
  options: [
    ...beginOptions,
    { flags: '--occasion <text>', description: 'what there is one run of: asked again, the same run is meant' },
  ],
  examples: ['sixfold batch plan route_risk --at 2026-11-24T20:00:00Z --json'],
  run: (context, [name], options) =>
    withBatches(context, (batches) =>
      watched(context, async (watching) => {
        const given = beginning(options)
        const reason = given.occasion?.startsWith('airflow ') ? 'airflow' : 'manual'
        const begun = await batches.begin(name!, { ...given, reason })
        const { run, partitions } = await batches.plan(begun.id, watching)
        return {
          ...{ run: run.id, batch: run.batch, version: run.version, state: run.state, at: instant(run.at) },
          partitions: partitions.filter(({ state }) => state !== 'done').map(({ index }) => index),
        }
      }),
    ),
  render: ({ run, batch, version, at, partitions }) =>
    `${batch} version ${version} for ${at}: ${count(partitions.length, 'partition')} to score.\nNext: sixfold batch score ${run}`,
})

const batchScore = defineCommand<RunDetail>({
  name: 'batch score',
  summary: 'Score the partitions of a run that are not done, or one of them.',
  arguments: [runArgument],
  options: [
    { flags: '--partition <index>', description: 'that one alone' },
    { flags: '--again', description: 'also where the run had failed: what failed is tried anew' },
  ],
  examples: ['sixfold batch score route_risk@latest'],
  run: (context, [run], options) =>
    withBatches(context, (batches) =>
      watched(context, async (watching) =>
        batches.score(await runNamed(batches, run!), wholeOption(options['partition'], '--partition', 0) ?? null, {
          ...watching,
          again: options['again'] === true,
        }),
      ),
    ),
  exitOf,
  render: detailText,
})

const batchAudit = defineCommand<RunDetail>({
  name: 'batch audit',
  summary: 'Have the gate look at what was scored. Exit code 3: it refuses.',
  arguments: [runArgument],
  run: (context, [run]) => withBatches(context, async (batches) => batches.audit(await runNamed(batches, run!))),
  exitOf,
  render: detailText,
})

const batchPublish = defineCommand<RunDetail>({
  name: 'batch publish',
  summary: 'Put a version live that passed the gate; or one that it refused, with a reason.',
  arguments: [runArgument],
  options: [
    { flags: '--override', description: 'also where the gate refused; the reason is kept in the audit' },
    reasonOption,
  ],
  examples: [
    'sixfold batch publish route_risk@latest',
    'sixfold batch publish route_risk@12 --override --reason "the strike is over"',
  ],
  run: (context, [run], options) =>
    withBatches(context, async (batches) =>
      batches.publish(await runNamed(batches, run!), {
        ...askerOf(options),
        override: options['override'] === true,
      }),
    ),
  exitOf,
  render: detailText,
})

const batchRun = defineCommand<RunDetail>({
  name: 'batch run',
  summary: 'Plan, score, audit and publish. Exit code 3: the gate refuses, and what was live stays live.',
  arguments: [batchArgument],
  options: beginOptions,
  examples: ['sixfold batch run route_risk', 'sixfold batch run route_risk --at 2026-11-24T20:00:00Z'],
  run: (context, [name], options) =>
    withBatches(context, (batches) =>
      watched(context, async (watching) => {
        const { id } = await batches.begin(name!, { ...beginning(options), reason: 'manual' })
        return batches.run(id, watching)
      }),
    ),
  exitOf,
  render: detailText,
})

const batchResume = defineCommand<RunDetail>({
  name: 'batch resume',
  summary: 'Go on with a run that failed, broke off or was cancelled; what is done is not done again.',
  arguments: [runArgument],
  examples: ['sixfold batch resume route_risk@latest'],
  run: (context, [run]) =>
    withBatches(context, (batches) =>
      watched(context, async (watching) => batches.resume(await runNamed(batches, run!), watching)),
    ),
  exitOf,
  render: detailText,
})

const batchCancel = defineCommand<RunDetail>({
  name: 'batch cancel',
  summary: 'End a run that is on the way. It can be gone on with.',
  arguments: [runArgument],
  options: [reasonOption],
  run: (context, [run], options) =>
    withBatches(context, async (batches) => batches.cancel(await runNamed(batches, run!), askerOf(options))),
  render: detailText,
})

const batchRollback = defineCommand<RunDetail>({
  name: 'batch rollback',
  summary: 'Put a version live that was live before: the last, or the one named.',
  arguments: [batchArgument, { name: '[version]', description: 'its number' }],
  options: [reasonOption],
  examples: ['sixfold batch rollback route_risk', 'sixfold batch rollback route_risk 11 --reason "wrong weather"'],
  run: (context, [name, version], options) =>
    withBatches(context, (batches) =>
      batches.rollback(name!, wholeOption(version, 'version', 1) ?? null, askerOf(options)),
    ),
  render: detailText,
})

const standingText = ({ batch, hold, live, latest }: BatchStanding): string =>
  [
    hold === null
      ? `What the gate lets through of ${batch} goes live by itself again.`
      : `Of ${batch} nothing goes live by itself from now on; it can be published and rolled back.`,
    `  live      ${live === null ? 'nothing' : `version ${live.version}`}`,
    ...(latest === null ? [] : [`  latest    version ${latest.version}: ${latest.state}`]),
  ].join('\n')

const batchHold = defineCommand<BatchStanding>({
  name: 'batch hold',
  summary: 'Let nothing of a batch go live by itself, whatever its gate lets through, until it is released.',
  arguments: [batchArgument],
  options: [reasonOption],
  examples: ['sixfold batch hold route_risk --reason "the weather feed is being looked at"'],
  run: (context, [name], options) => withBatches(context, (batches) => batches.hold(name!, askerOf(options))),
  render: standingText,
})

const batchRelease = defineCommand<BatchStanding>({
  name: 'batch release',
  summary: 'Let what the gate lets through go live by itself again.',
  arguments: [batchArgument],
  options: [reasonOption],
  run: (context, [name], options) => withBatches(context, (batches) => batches.release(name!, askerOf(options))),
  render: standingText,
})

interface BackFilled {
  readonly ok: boolean
  readonly runs: readonly RunDetail[]
}

const batchBackfill = defineCommand<BackFilled>({
  name: 'batch backfill',
  summary: 'A run for every instant of the schedule in a span, oldest first.',
  arguments: [batchArgument],
  options: [
    { flags: '--from <instant>', description: 'the first instant', required: true },
    { flags: '--until <instant>', description: 'before this one', required: true },
    { flags: '--parallel <n>', description: 'runs at once; by default 1' },
  ],
  examples: ['sixfold batch backfill route_risk --from 2026-11-01T00:00:00Z --until 2026-11-08T00:00:00Z'],
  run: (context, [name], options) =>
    withBatches(context, (batches) =>
      watched(context, async (watching) => {
        const parallel = wholeOption(options['parallel'], '--parallel', 1)
        const runs = await batches.backfill(name!, {
          from: instantOption(options['from'], '--from')!,
          until: instantOption(options['until'], '--until')!,
          ...(parallel === undefined ? {} : { parallel }),
          actor: askerOf({}).actor,
          ...watching,
        })
        return { ok: runs.every(({ run }) => run.state !== 'failed' && run.state !== 'cancelled'), runs }
      }),
    ),
  render: ({ runs }) =>
    runs.length === 0 ? 'No instant of the schedule lies in that span.' : runTable(runs.map(({ run }) => run)),
})

export const batchSteps: readonly Command<unknown>[] = [
  batchPlan,
  batchScore,
  batchAudit,
  batchPublish,
  batchRun,
  batchResume,
  batchCancel,
  batchRollback,
  batchHold,
  batchRelease,
  batchBackfill,
]
