/**
 * Accuracy on held-out rows, read once as a stream: of the challenger, and of what is in production beside it on the same rows; of the whole
 * and of slices. What decides must be shown to be no worse than the margin; whatever else is measured, and every slice, must not be shown
 * to be worse.
 */
import { createHash } from 'node:crypto'
import type { Gate, HeldOut } from '../../definition/gate.ts'
import type { Model, Output } from '../../definition/model.ts'
import { compile } from '../../expression/targets/javascript/compile.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { md5Hash52 } from '../../kernel/hash.ts'
import type { OfflineStore } from '../../ports/offline-store.ts'
import { holm } from '../../statistics/holm.ts'
import { vectorsIn } from './columns.ts'
import type { Comparison, Truth } from './comparison.ts'
import { addToSlice, comparison, decidingMetric, sliceLosses, sliceVerdict } from './comparison.ts'
import { sample } from './every.ts'
import type { HeldOutFigures, MetricFigures, SliceFigures } from './figures.ts'
import { locate } from './invariants.ts'
import type { Answer, Row, Scorer } from './scorer.ts'
import { rowOf, rowReader } from './scorer.ts'
import type { Finding } from './words.ts'
import { brief, chanceText, compact, figure, percent, shown } from './words.ts'

export interface Measured {
  readonly findings: readonly (Finding & { readonly name: string })[]
  /** Some rows of it, spread over all. */
  readonly rows: readonly Row[]
}

/** Rows that are kept to try other things on. */
const mostKept = 2_000

/** By default every output has a column of its own name. */
export const heldOutOf = ({ heldOut, model }: Gate, data: string | null): HeldOut | null => {
  if (data === null) return heldOut
  const labels = Object.entries(model.output).filter(([, kind]) => typeof kind === 'string' || 'label' in kind)
  return {
    labels: Object.fromEntries(labels.map(([name]) => [name, name])),
    positive: null,
    noWorseThan: '2%',
    alpha: 0.05,
    ...heldOut,
    data: { kind: 'parquet', path: data },
  }
}

interface Judged {
  readonly output: string
  readonly at: number
  readonly kind: Output
  readonly comparison: Comparison
}

export async function measure(
  gate: Gate,
  heldOut: HeldOut,
  offline: Pick<OfflineStore, 'readRows'>,
  challenger: Scorer,
  champion: { readonly version: number; readonly scorer: Scorer } | null,
  progress: (rows: number) => void,
): Promise<Measured> {
  const { model } = gate
  const { path } = heldOut.data
  const entries = Object.keys(model.vector)
  const outputs = Object.keys(model.output)
  const labels = Object.entries(heldOut.labels)
  const judged = labels.map(
    ([output]): Judged => ({
      output,
      at: outputs.indexOf(output),
      kind: model.output[output]!,
      comparison: comparison(output, model.output[output]!, champion !== null),
    }),
  )
  const slices = Object.entries(gate.slices).map(([name, { of }]) => ({
    name,
    holds: compile(of, locate(model)),
    losses: sliceLosses(),
    rows: 0,
  }))
  const read = rowReader(model, path)
  const kept = sample<Row>(mostKept)
  const hash = createHash('sha256').update(JSON.stringify([...entries, ...labels.map(([, column]) => column)]))
  const count = { rows: 0, withoutTruth: 0, unanswered: 0 }
  let unanswered: { readonly at: number; readonly row: Row } | null = null

  const columns = labels.map(([, column]) => column)
  for await (const batch of vectorsIn(offline, path, entries, columns, Number.MAX_SAFE_INTEGER)) {
    hashRows(hash, batch)
    const rows = batch.map((raw, i) => read((_, entry) => raw[entry], count.rows + i))
    const [ours, theirs] = await Promise.all([challenger.score(rows), champion?.scorer.score(rows) ?? null])
    rows.forEach((row, i) => {
      const at = count.rows + i
      kept.offer(row)
      const answers = usable(ours[i]!)
      if (answers === null) {
        count.unanswered++
        unanswered ??= { at, row }
        return
      }
      const others = theirs === null ? null : usable(theirs[i]!)
      if (champion !== null && others === null) return
      const inSlices = slices.filter(({ holds }) => holds(row) === true)
      let known = false
      for (const [l, { output, at: place, kind, comparison: to }] of judged.entries()) {
        const truth = truthOf(
          kind,
          batch[i]![entries.length + l],
          heldOut.positive,
          `'${path}', row ${at + 1}: '${labels[l]![1]}'`,
        )
        if (truth === null) continue
        known = true
        const losses = to.add(truth, answers[place]!, others?.[place] ?? null)
        // Slices are judged by the first output that has a truth.
        if (output !== judged[0]!.output) continue
        for (const slice of inSlices) {
          slice.rows++
          addToSlice(slice.losses, losses)
        }
      }
      if (!known) count.withoutTruth++
    })
    count.rows += rows.length
    progress(count.rows)
  }
  if (count.rows === 0)
    throw new SixfoldError('SX_LABELS_INVALID', `'${path}' has no rows.`, { fix: 'Name held-out rows that there are.' })

  const figures: HeldOutFigures = {
    path,
    ...count,
    hash: hash.digest('hex'),
    champion: champion?.version ?? null,
    plots: judged.map(({ comparison: of }) => of.plots()),
  }
  const metrics = judged.flatMap(({ comparison: of }) => of.metrics(heldOut.alpha, heldOut.noWorseThan))
  const several = judged.length > 1
  return {
    rows: kept.kept,
    findings: [
      { name: 'held-out: answers', ...answersFinding(model, figures, unanswered) },
      ...judged
        .filter(({ output }) => !metrics.some((metric) => metric.output === output))
        .map(({ output, kind }) => ({
          name: nameOf(output, decidingMetric(kind), several),
          outcome: 'failed' as const,
          words: `Too few rows of ${path} have a truth of '${output}' to judge by: ${compact(count.rows - count.withoutTruth)}.`,
          figures: null,
        })),
      ...metrics.map((metric) => ({
        name: nameOf(metric.output, metric.metric, several),
        ...metricFinding(metric, path, champion?.version ?? null),
      })),
      ...sliceFindings(gate, heldOut, slices, judged[0]!, champion?.version ?? null),
    ],
  }
}

const nameOf = (output: string, metric: string, several: boolean): string =>
  `held-out: ${several ? `${output}, ` : ''}${metric}`

const usable = (answer: Answer | null): Answer | null =>
  answer === null || answer.some((value) => value === null) ? null : answer

/** Null where the row has none. */
function truthOf(kind: Output, raw: unknown, positive: string | null, where: string): Truth | null {
  if (raw === null || raw === undefined || Number.isNaN(raw)) return null
  const value = typeof raw === 'bigint' ? Number(raw) : raw
  const wrong = (wanted: string): SixfoldError =>
    new SixfoldError('SX_LABELS_INVALID', `${where} is ${shown(value)}, ${wanted}.`, {
      fix: 'Correct the column, or name another in the gate.',
    })
  if (kind === 'probability') {
    if (positive !== null && typeof value === 'string') return value === positive
    if (value === true || value === 1) return true
    if (value === false || value === 0) return false
    throw wrong('neither true nor false')
  }
  if (kind === 'number') {
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw wrong('no number')
  }
  const text = typeof value === 'string' ? value : 'label' in kind ? kind.label[Number(value)] : undefined
  if (text !== undefined && 'label' in kind && kind.label.includes(text)) return text
  throw wrong('none of the labels')
}

/** Row by row, so that it does not matter in which pieces they are read. Texts stand by their hash. */
function hashRows(hash: import('node:crypto').Hash, rows: readonly (readonly unknown[])[]): void {
  const width = rows[0]?.length ?? 0
  const numbers = new Float64Array(rows.length * width)
  let at = 0
  for (const row of rows)
    for (const value of row)
      numbers[at++] =
        typeof value === 'string'
          ? md5Hash52(value)
          : value === null || Number.isNaN(value)
            ? Number.NaN
            : Number(value)
  hash.update(new Uint8Array(numbers.buffer))
}

// --- findings

function answersFinding(
  model: Model,
  figures: HeldOutFigures,
  unanswered: { readonly at: number; readonly row: Row } | null,
): Finding {
  const { path, rows, unanswered: failed, withoutTruth } = figures
  const without = withoutTruth === 0 ? '' : ` ${compact(withoutTruth)} rows have no truth, and count for nothing.`
  return unanswered === null
    ? { outcome: 'passed', words: `It answers all ${compact(rows)} rows of ${path}.${without}`, figures }
    : {
        outcome: 'failed',
        words: `It gives no usable answer to ${compact(failed)} of ${compact(rows)} rows of ${path}; the first is row ${unanswered.at + 1}: ${brief(rowOf(model, unanswered.row), 600)}.`,
        figures,
      }
}

function metricFinding(metric: MetricFigures, path: string, champion: number | null): Finding {
  const { challenger: own, champion: theirs, worse, margin, decides, alpha, rows } = metric
  const range = ({ value, low, high }: typeof own): string => `${figure(value)} (${figure(low)} to ${figure(high)})`
  const says = `${metric.metric} ${range(own)} on ${compact(rows)} rows of ${path}`
  if (champion === null || theirs === null || worse === null || margin === null)
    return { outcome: 'passed', words: `${says}. No version is in production to compare it with.`, figures: metric }
  const beside = `${says}; version ${champion} has ${figure(theirs.value)}`
  const tested =
    metric.mcnemar === null
      ? ''
      : `, p ${metric.mcnemar < 1e-4 ? '' : '= '}${chanceText(metric.mcnemar)} by McNemar's test`
  const by = `${sided(worse.value)} (${percent(1 - 2 * alpha)} interval: ${sided(worse.low)} to ${sided(worse.high)}${tested})`
  if (worse.low > margin)
    return {
      outcome: 'failed',
      words: `${beside}. It is worse: ${by}; ${figure(margin)} is allowed.`,
      figures: metric,
    }
  if (decides && worse.high > margin) {
    const needed =
      worse.value < margin ? Math.ceil(rows * ((worse.high - worse.value) / (margin - worse.value)) ** 2) : null
    return {
      outcome: 'failed',
      words: `${beside}. Not shown to be no worse: ${by}; ${figure(margin)} is allowed.${needed === null ? '' : ` About ${compact(needed)} rows would show it, if it stays so.`}`,
      figures: metric,
    }
  }
  const better = worse.high < 0 ? 'better' : 'no worse'
  return {
    outcome: 'passed',
    words: `${beside}. It is ${decides || worse.high <= margin ? better : 'not shown to be worse'}: ${by}; ${figure(margin)} is allowed.`,
    figures: metric,
  }
}

const sided = (worse: number): string => `${figure(Math.abs(worse))} ${worse > 0 ? 'worse' : 'better'}`

function sliceFindings(
  gate: Gate,
  heldOut: HeldOut,
  slices: readonly { readonly name: string; readonly rows: number; readonly losses: ReturnType<typeof sliceLosses> }[],
  { output, kind }: Judged,
  champion: number | null,
): readonly (Finding & { readonly name: string })[] {
  const metric = decidingMetric(kind)
  const verdicts = slices.map(({ name, rows, losses }) => ({
    name,
    rows,
    enough: rows >= gate.slices[name]!.minimumRows,
    ...sliceVerdict(losses, heldOut.alpha, gate.slices[name]!.noWorseThan),
  }))
  const tested = verdicts.filter(({ enough, chance }) => enough && chance !== null)
  const chances = holm(tested.map(({ chance }) => chance!))
  return verdicts.map((verdict) => {
    const { name, rows, enough, challenger, champion: theirs, worse, margin } = verdict
    const place = tested.indexOf(verdict)
    const chance = place < 0 ? null : chances[place]!
    const figures: SliceFigures = { output, metric, rows, challenger, champion: theirs, worse, margin, chance }
    const told = { name: `slice: ${name}`, figures }
    if (!enough)
      return {
        ...told,
        outcome: 'not possible' as const,
        words: `Not enough data: ${compact(rows)} rows, and ${compact(gate.slices[name]!.minimumRows)} are asked.`,
      }
    const says = `${metric} ${figure(challenger!.value)} on ${compact(rows)} rows`
    if (chance === null || theirs === null || worse === null || margin === null)
      return { ...told, outcome: 'passed' as const, words: `${says}. Nothing to compare it with.` }
    const beside = `${says}; version ${champion} has ${figure(theirs.value)}: ${sided(worse.value)}, and ${figure(margin)} is allowed`
    const corrected = tested.length > 1 ? `, corrected for ${tested.length} slices` : ''
    return chance < heldOut.alpha
      ? {
          ...told,
          outcome: 'failed' as const,
          words: `${beside}. It is worse (p ${chance < 1e-4 ? '' : '= '}${chanceText(chance)}${corrected}).`,
        }
      : {
          ...told,
          outcome: 'passed' as const,
          words: `${beside}. Not shown to be worse (p ${chance < 1e-4 ? '' : '= '}${chanceText(chance)}${corrected}).`,
        }
  })
}
