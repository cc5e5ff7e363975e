/** What commands of batches have in common: which run is meant, how progress is shown, how a run reads, and how it ends. */
import type { BatchAnswer, Batches, Cost, PlanDocument, RunDetail, Verdict, Watched } from '../batch/index.ts'
import { exitOfRefusal, wastedWords } from '../batch/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { parseInstant } from '../kernel/instant.ts'
import { formatBytes } from '../kernel/size.ts'
import type { BatchRun } from '../ports/batch-store.ts'
import type { Context, Progress } from './command.ts'
import { withWorkbench } from './commands/model.ts'
import { count, instant, seconds, table, value } from './text.ts'

export const withBatches = <T>(context: Context, work: (batches: Batches) => Promise<T>): Promise<T> =>
  withWorkbench(context, ({ batches }) => work(batches))

export const batchArgument = { name: '<batch>', description: 'the name of the batch' }
export const runArgument = { name: '<run>', description: "the run: its id, or BATCH@VERSION, 'latest' for the newest" }
export const versionArgument = { name: '[version]', description: "a number, 'live', 'latest', or the run's id" }

/** The id of a run. Throws SX_USAGE, and what looking it up throws. */
export async function runNamed(batches: Batches, text: string): Promise<string> {
  if (/^[0-9a-f]{32}$/.test(text)) return text
  const at = text.lastIndexOf('@')
  if (at < 1 || at === text.length - 1)
    throw new SixfoldError('SX_USAGE', `'${text}' is no run.`, {
      fix: 'Write its id, or BATCH@VERSION: route_risk@latest.',
    })
  return (await batches.show(text.slice(0, at), text.slice(at + 1))).run.id
}

/** Throws SX_USAGE. */
export function instantOption(given: unknown, flag: string): number | undefined {
  if (given === undefined) return undefined
  const at = parseInstant(String(given))
  if (at !== null) return at
  throw new SixfoldError('SX_USAGE', `${flag} '${String(given)}' is no instant.`, {
    fix: 'Write ISO 8601 with a zone: 2026-11-24T20:00:00Z.',
  })
}

/** Throws SX_USAGE. */
export function wholeOption(given: unknown, flag: string, least: number): number | undefined {
  if (given === undefined) return undefined
  const number = Number(given)
  if (/^\d{1,9}$/.test(String(given)) && number >= least) return number
  throw new SixfoldError('SX_USAGE', `${flag} '${String(given)}' is no whole number from ${least} on.`)
}

/** One bar a state. A signal that asks the process to end breaks the work off where it can be gone on with. */
export async function watched<T>(context: Context, work: (watched: Watched) => Promise<T>): Promise<T> {
  const ending = new AbortController()
  void context.ended.then((signal) => {
    context.note(`${signal}: what is done stays done …`)
    ending.abort(
      new SixfoldError('SX_BATCH_STATE', `The run was broken off by ${signal}.`, {
        fix: 'Go on with it: sixfold batch resume.',
      }),
    )
  })
  let shown: { readonly state: string; readonly bar: Progress } | null = null
  try {
    return await work({
      signal: ending.signal,
      progress: (state, done) => {
        if (shown?.state !== state) {
          shown?.bar.end()
          shown = { state, bar: context.progress(state) }
        }
        shown.bar.set(done)
      },
    })
  } finally {
    const last = shown as { readonly bar: Progress } | null
    last?.bar.end()
  }
}

/** What the gate refused ends apart from what broke: whoever starts the command tells the two by that. */
export const exitOf = ({ run }: RunDetail): number =>
  run.state === 'refused' ? exitOfRefusal : run.state === 'failed' || run.state === 'cancelled' ? 1 : 0

export const runTable = (runs: readonly BatchRun[]): string =>
  table(
    ['version', 'at', 'state', 'rows', 'model', 'began', 'by', 'run'],
    runs.map((run) => [
      String(run.version),
      instant(run.at),
      run.retired ? `${run.state}, retired` : run.state,
      run.plan === null ? '–' : (run.plan as PlanDocument).rows.toLocaleString('en'),
      `${run.model} ${run.modelVersion}`,
      instant(run.beganAt),
      run.actor,
      run.id,
    ]),
  )

export function detailText({ run, partitions, live, holder, use }: RunDetail): string {
  const done = partitions.filter(({ state }) => state === 'done').length
  const [cost, verdict] = [run.cost as Cost | null, run.verdict as Verdict | null]
  const failed = partitions.filter(({ state }) => state === 'failed')
  return [
    `${run.batch} version ${run.version}: ${run.state}${live ? ', live' : ''}${holder === null ? '' : `; ${holder} works on it`}`,
    `  for       ${instant(run.at)}, with ${run.model} version ${run.modelVersion}, by ${run.actor} (${run.reason})`,
    ...(run.plan === null
      ? []
      : [
          `  rows      ${count((run.plan as PlanDocument).rows, 'row')} in ${count(partitions.length, 'partition')}, ${done} done`,
        ]),
    ...failed
      .slice(0, 5)
      .map(({ index, error }) => `  failed    partition ${index}: ${error?.message ?? 'for no reason that is known'}`),
    ...(run.error === null ? [] : [`  error     ${run.error.code}: ${run.error.message}`]),
    ...(verdict === null ? [] : verdictLines(verdict)),
    ...(cost === null
      ? []
      : [
          `  cost      ${seconds(cost.wallMs)}, ${cost.cpuSeconds.toFixed(1)} s of processors, ${formatBytes(cost.bytesRead)} read, ${formatBytes(cost.bytesWritten)} written${cost.price === null ? '' : `, ${cost.price.total.toFixed(4)} ${cost.price.currency}`}`,
        ]),
    ...(use === null || cost === null
      ? []
      : [
          `  looked up ${count(use.lookups, 'time')}, ${count(use.keys, 'key')} of it`,
          `  wasted    ${wastedWords(use, cost)}`,
        ]),
    `  run       ${run.id}`,
  ].join('\n')
}

function verdictLines({ passed, checks, override }: Verdict): readonly string[] {
  const refused = checks.filter(({ outcome }) => outcome === 'refused')
  return [
    `  gate      ${passed ? `passed, ${count(checks.length, 'check')}` : `refused by ${refused.length} of ${count(checks.length, 'check')}`}`,
    ...refused.slice(0, 20).map(({ words }) => `    ✗ ${words}`),
    ...(override === null ? [] : [`  override  by ${override.actor}: ${override.reason}`]),
  ]
}

export const answerLine = ({ outputs, rung, decision, version, asOf, stale }: BatchAnswer): string =>
  outputs === null
    ? 'nothing answers'
    : [
        Object.entries(outputs)
          .map(([name, v]) => `${name} ${value(v)}`)
          .join(', '),
        ...(decision === null ? [] : [`decision ${decision}`]),
        `${rung}${version === null ? '' : `, version ${version} of ${instant(asOf)}`}${stale ? ', stale' : ''}`,
      ].join('; ')
