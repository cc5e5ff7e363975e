/**
 * The card of a version: what it is, how it was made, what it was found to do, who moved it and why. Here as parts that both forms of the card
 * are made of; everything in it is recorded, and what is not recorded is named.
 */
import { formatInstant } from '../../kernel/instant.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { AuditEntry } from '../../ports/registry-store.ts'
import type { Interval } from '../../statistics/paired.ts'
import type { Check, VersionDetail } from '../registry.ts'
import type { HeldOutFigures, LatencyFigures, MetricFigures, OutputPlots, SliceFigures } from '../validation/figures.ts'
import { chanceText, compact, figure } from '../validation/words.ts'
import type { ForestRow, LatencyBar, Picture } from './plots.ts'

/** Code is shown as it is; the rest is words. */
export type Cell = string | { readonly code: string } | { readonly outcome: Check['outcome'] }
export type Part =
  | { readonly kind: 'words'; readonly words: string }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly Cell[])[] }
  /** Where nothing can be drawn, the table says the same. */
  | { readonly kind: 'pictures'; readonly pictures: readonly Picture[] }
export interface Section {
  readonly title: string
  readonly parts: readonly Part[]
}
export interface Content {
  readonly model: string
  readonly version: number
  readonly stage: string
  readonly aliases: readonly string[]
  readonly description: string | null
  /** In a sentence or two: what was found. */
  readonly verdict: { readonly outcome: 'passed' | 'failed' | 'not asked'; readonly words: string }
  readonly sections: readonly Section[]
  readonly manifest: string
}

interface Document {
  readonly champion?: number | null
  readonly checks?: readonly Check[]
}

export function contentOf(version: VersionDetail): Content {
  const validation = version.evidence.find(({ kind }) => kind === 'validation') ?? null
  const { checks = [], champion = null } = (validation?.document ?? {}) as Document
  const failed = checks.filter(({ outcome }) => outcome === 'failed')
  const verdict: Content['verdict'] =
    validation === null
      ? { outcome: 'not asked', words: 'It was not validated.' }
      : {
          outcome: validation.passed ? 'passed' : 'failed',
          words: validation.passed
            ? `Validated by ${validation.actor} at ${instant(validation.at)}: ${countOf(checks, 'passed')} checks passed${unmade(checks)}.`
            : `Its validation by ${validation.actor} at ${instant(validation.at)} failed: ${failed.map(({ name }) => name).join(', ')}.`,
        }
  return {
    model: version.model,
    version: version.version,
    stage: version.stage,
    aliases: version.aliases,
    description: version.description,
    verdict,
    manifest: version.manifest,
    sections: [
      ...accuracy(checks, champion),
      ...slices(checks, champion),
      ...performance(checks),
      ...checked(checks),
      ...contract(version),
      ...making(version),
      ...missing(version),
      ...history(version),
      files(version),
    ].filter(({ parts }) => parts.length > 0),
  }
}

const instant = (at: number): string => formatInstant(at).replace('.000Z', 'Z')
const countOf = (checks: readonly Check[], outcome: Check['outcome']): number =>
  checks.filter((check) => check.outcome === outcome).length
function unmade(checks: readonly Check[]): string {
  const count = countOf(checks, 'not possible')
  return count === 0 ? '' : `, and ${count} could not be made`
}

const table = (head: readonly string[], rows: readonly (readonly Cell[])[]): readonly Part[] =>
  rows.length === 0 ? [] : [{ kind: 'table', head, rows }]
const words = (text: string): Part => ({ kind: 'words', words: text })
const code = (text: string): Cell => ({ code: text })

const range = (interval: Interval | null): string =>
  interval === null ? '–' : `${figure(interval.value)} (${figure(interval.low)} to ${figure(interval.high)})`

const isMetric = ({ name, figures }: Check): boolean =>
  name.startsWith('held-out: ') && figures !== null && typeof figures === 'object' && 'metric' in figures

function accuracy(checks: readonly Check[], champion: number | null): readonly Section[] {
  const metrics = checks.filter(isMetric).map(({ figures }) => figures as MetricFigures)
  const data = checks.find(({ name }) => name === 'held-out: answers')?.figures as HeldOutFigures | undefined
  if (metrics.length === 0 || data === undefined) return []
  const several = new Set(metrics.map(({ output }) => output)).size > 1
  const nameOf = ({ output, metric }: MetricFigures): string => (several ? `${output}: ${metric}` : metric)
  const compared = champion !== null && metrics.some(({ champion: theirs }) => theirs !== null)
  const sure = `${Math.round((1 - 2 * metrics[0]!.alpha) * 100)} %`
  return [
    {
      title: 'Accuracy on held-out rows',
      parts: [
        words(
          `${compact(data.rows)} rows of ${data.path}, of which ${compact(data.withoutTruth)} have no truth and ${compact(data.unanswered)} got no usable answer. Intervals are of ${sure}. The rows used have the hash ${data.hash.slice(0, 16)}.`,
        ),
        ...table(
          [
            'Metric',
            'This version',
            ...(compared ? [`Production: version ${champion}`, 'Worse by', 'Allowed'] : []),
            'Rows',
          ],
          metrics.map((metric) => [
            nameOf(metric),
            `${range(metric.challenger)} ${metric.better === 'higher' ? '↑' : '↓'}`,
            ...(compared
              ? [range(metric.champion), range(metric.worse), metric.margin === null ? '–' : figure(metric.margin)]
              : []),
            compact(metric.rows),
          ]),
        ),
        {
          kind: 'pictures',
          pictures: [
            ...forest(
              'How much worse than production, as a share of what is allowed',
              metrics.map((metric) => ({ name: nameOf(metric), worse: metric.worse, margin: metric.margin })),
            ),
            ...data.plots.flatMap((plots) => pictured(plots, several, champion)),
          ],
        },
      ],
    },
  ]
}

/** Less than zero is better, more than one is too much: so that metrics in different units stand on one axis. */
function forest(
  title: string,
  rows: readonly { readonly name: string; readonly worse: Interval | null; readonly margin: number | null }[],
): readonly Picture[] {
  const drawn = rows.flatMap(({ name, worse, margin }): readonly ForestRow[] =>
    worse === null || margin === null || margin <= 0
      ? []
      : [{ name, value: worse.value / margin, low: worse.low / margin, high: worse.high / margin }],
  )
  return drawn.length === 0 ? [] : [{ kind: 'forest', title, rows: drawn }]
}

function pictured(
  { output, challenger, champion: theirs }: OutputPlots,
  several: boolean,
  champion: number | null,
): readonly Picture[] {
  const of = several ? `, ${output}` : ''
  const names = { challenger: 'this version', champion: champion === null ? '' : `version ${champion}` }
  if (challenger.kind === 'probability') {
    const other = theirs?.kind === 'probability' ? theirs : null
    return [
      {
        kind: 'reliability',
        title: `Reliability${of}`,
        names,
        challenger: challenger.reliability,
        champion: other?.reliability ?? null,
      },
      { kind: 'roc', title: `ROC curve${of}`, names, challenger: challenger.roc, champion: other?.roc ?? null },
    ]
  }
  if (challenger.kind === 'number')
    return [{ kind: 'residuals', title: `Answer less truth${of}`, points: challenger.residuals }]
  return [{ kind: 'confusion', title: `Answers by truth${of}`, cells: challenger.confusion }]
}

function slices(checks: readonly Check[], champion: number | null): readonly Section[] {
  const found = checks.filter(({ name }) => name.startsWith('slice: '))
  if (found.length === 0) return []
  const rows = found.map(({ name, outcome, figures }) => ({
    name: name.slice('slice: '.length),
    outcome,
    ...(figures as SliceFigures),
  }))
  return [
    {
      title: 'Slices',
      parts: [
        ...table(
          [
            'Slice',
            'Rows',
            rows[0]!.metric,
            champion === null ? 'Production' : `Version ${champion}`,
            'p, corrected',
            'Outcome',
          ],
          rows.map(({ name, rows: count, challenger, champion: theirs, chance, outcome }) => [
            name,
            compact(count),
            range(challenger),
            range(theirs),
            chance === null ? '–' : chanceText(chance),
            { outcome },
          ]),
        ),
        {
          kind: 'pictures',
          pictures: forest(
            'How much worse than production, as a share of what is allowed',
            rows.filter(({ outcome }) => outcome !== 'not possible'),
          ),
        },
      ],
    },
  ]
}

function performance(checks: readonly Check[]): readonly Section[] {
  const latency = checks.find(({ name }) => name === 'latency')?.figures as LatencyFigures | null | undefined
  if (!latency?.batches) return []
  const bars: readonly LatencyBar[] = latency.batches.map(({ rows, p50Ms, p99Ms }) => ({ rows, p50Ms, p99Ms }))
  return [
    {
      title: 'Latency and memory',
      parts: [
        ...table(
          ['Rows at once', 'Median', 'p99', 'Budget', 'Calls'],
          latency.batches.map(({ rows, p50Ms, p99Ms, calls }) => [
            compact(rows),
            `${figure(p50Ms)} ms`,
            `${figure(p99Ms)} ms`,
            `${figure(latency.budgetMs)} ms`,
            compact(calls),
          ]),
        ),
        words(`Loaded and called, it takes ${formatBytes(latency.memoryBytes)} of memory.`),
        {
          kind: 'pictures',
          pictures: [{ kind: 'latency', title: 'Milliseconds a call', bars, budgetMs: latency.budgetMs }],
        },
      ],
    },
  ]
}

const checked = (checks: readonly Check[]): readonly Section[] => [
  {
    title: 'All checks',
    parts: table(
      ['Check', 'Outcome', 'What was found'],
      checks.map(({ name, outcome, words: found }) => [name, { outcome }, found]),
    ),
  },
]

function contract({ facts: { schema, preprocessing } }: VersionDetail): readonly Section[] {
  if (schema === null) return []
  return [
    {
      title: 'What it is given and what it answers',
      parts: [
        ...table(
          ['Entry', 'Type', 'Range', 'Computed as', 'Reads'],
          schema.entries.map(({ name, type, nullable, range: within, reads }) => [
            name,
            `${type}${nullable ? ', may be missing' : ''}`,
            within === null ? '–' : `${figure(within[0])} to ${figure(within[1])}`,
            code(
              preprocessing !== null && Object.hasOwn(preprocessing.source, name) ? preprocessing.source[name]! : '–',
            ),
            reads.join(', '),
          ]),
        ),
        ...table(
          ['Output', 'Type'],
          schema.outputs.map(({ name, type }) => [name, type]),
        ),
      ],
    },
  ]
}

function making(version: VersionDetail): readonly Section[] {
  const { data, configuration, evaluation, dependencies } = version.facts
  const rows: (readonly [string, Cell])[] = []
  const put = (
    name: string,
    value: string | number | null | undefined,
    as: (text: string) => Cell = (text) => text,
  ): void => {
    if (value !== null && value !== undefined && value !== '') rows.push([name, as(String(value))])
  }
  put('Training data', data?.pointer)
  put('Rows', data?.rows === null || data === null ? null : compact(data.rows))
  if (data !== null && data.from !== null && data.to !== null)
    put('Time span', `${instant(data.from)} to ${instant(data.to)}`)
  put('Hash of the data', data?.hash, code)
  put('Query', data?.query, code)
  put('Command', configuration?.command?.join(' '), code)
  put('Commit', configuration?.commit && `${configuration.commit}${configuration.dirty ? ', with changes' : ''}`, code)
  put('Hardware', configuration?.hardware)
  put('Seeds', pairs(configuration?.seeds))
  put('Parameters', pairs(configuration?.parameters))
  put('Run', version.run, code)
  put('Opset', dependencies?.opset)
  put('IR', dependencies?.ir)
  put('Operator sets', pairs(dependencies?.domains))
  put('Runtime', dependencies?.runtime)
  put('Packages', dependencies?.packages.join(', '))
  return [
    {
      title: 'How it was made',
      parts: [
        ...table(['Fact', 'Value'], rows),
        ...table(
          ['Recorded by its training', 'Value', 'Slice'],
          evaluation.map(({ metric, value, low, high, slice }) => [
            metric,
            low === null || high === null ? figure(value) : `${figure(value)} (${figure(low)} to ${figure(high)})`,
            slice ?? 'all',
          ]),
        ),
      ],
    },
  ]
}

const pairs = (of: { readonly [name: string]: unknown } | undefined): string =>
  Object.entries(of ?? {})
    .map(([name, value]) => `${name} = ${String(value)}`)
    .join(', ')

const missing = (version: VersionDetail): readonly Section[] => [
  {
    title: 'Not recorded',
    parts:
      version.missing.length === 0
        ? []
        : [
            words(
              `Nobody recorded: ${version.missing.join(', ')}. What is not recorded cannot be held against it, nor for it.`,
            ),
          ],
  },
]

/** Changes of its stage, its approvals and its validations, oldest first. */
function history({ history: entries }: VersionDetail): readonly Section[] {
  const shown = [...entries].sort((a, b) => a.number - b.number).filter(({ action }) => told.includes(action))
  return [
    {
      title: 'History',
      parts: table(
        ['When', 'What', 'Who', 'Why'],
        shown.map((entry) => [instant(entry.at), whatOf(entry), entry.actor, entry.reason ?? '–']),
      ),
    },
  ]
}

const told: readonly AuditEntry['action'][] = [
  'version.registered',
  'stage.changed',
  'approval.given',
  'evidence.recorded',
  'alias.set',
  'alias.deleted',
]

function whatOf({ action, details, environment }: AuditEntry): string {
  const text = (name: string): string => String(details[name] ?? '')
  const place = environment === null ? '' : ` in ${environment}`
  switch (action) {
    case 'version.registered':
      return 'registered'
    case 'stage.changed':
      return `${details['rollback'] === true ? 'rolled back: ' : ''}from ${text('from')} to ${text('to')}${place}`
    case 'approval.given':
      return `approved for ${text('to')}${place}`
    case 'alias.set':
      return `alias ${text('alias')}`
    case 'alias.deleted':
      return `alias ${text('alias')} taken away`
    default:
      return 'validated'
  }
}

const files = ({ files: all, source, manifest }: VersionDetail): Section => ({
  title: 'Files',
  parts: [
    words(`From ${source}. Manifest ${manifest}.`),
    ...table(
      ['File', 'Size', 'SHA-256'],
      all.map(({ path, bytes, sha256 }) => [code(path), formatBytes(bytes), code(sha256)]),
    ),
  ],
})
