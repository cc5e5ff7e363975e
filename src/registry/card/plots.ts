/**
 * Pictures as inline SVG: drawn with the colours of the page they stand in, described in words for whoever does not see them. Every number
 * that is drawn stands in a table beside it.
 */
import type { ConfusionCell } from '../validation/figures.ts'
import { compact, figure } from '../validation/words.ts'
import { escapeHtml } from './escape.ts'

export interface ForestRow {
  readonly name: string
  readonly value: number
  readonly low: number
  readonly high: number
}
export interface LatencyBar {
  readonly rows: number
  readonly p50Ms: number
  readonly p99Ms: number
}
interface Names {
  readonly challenger: string
  readonly champion: string
}
type Reliability = readonly { readonly rows: number; readonly mean: number; readonly share: number }[]
type Curve = readonly (readonly [number, number])[]

export type Picture =
  | { readonly kind: 'forest'; readonly title: string; readonly rows: readonly ForestRow[] }
  | {
      readonly kind: 'reliability'
      readonly title: string
      readonly names: Names
      readonly challenger: Reliability
      readonly champion: Reliability | null
    }
  | {
      readonly kind: 'roc'
      readonly title: string
      readonly names: Names
      readonly challenger: Curve
      readonly champion: Curve | null
    }
  | { readonly kind: 'residuals'; readonly title: string; readonly points: Curve }
  | { readonly kind: 'confusion'; readonly title: string; readonly cells: readonly ConfusionCell[] }
  | {
      readonly kind: 'latency'
      readonly title: string
      readonly bars: readonly LatencyBar[]
      readonly budgetMs: number
    }

export function draw(picture: Picture): string {
  switch (picture.kind) {
    case 'forest':
      return forest(picture.title, picture.rows)
    case 'reliability':
      return reliability(picture)
    case 'roc':
      return roc(picture)
    case 'residuals':
      return residuals(picture.title, picture.points)
    case 'confusion':
      return confusion(picture.title, picture.cells)
    case 'latency':
      return latency(picture.title, picture.bars, picture.budgetMs)
  }
}

const n = (value: number): string => String(Number(value.toFixed(1)))
const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${n(x)}" y="${n(y)}" ${attributes}>${escapeHtml(content)}</text>`
const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" class="${kind}"/>`

function svg(width: number, height: number, title: string, says: string, content: readonly string[]): string {
  return `<figure class="${width > 400 ? 'wide' : 'square'}"><figcaption>${escapeHtml(title)}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${title}. ${says}`)}">${content.join('')}</svg></figure>`
}

/** Shortened where it would run into the picture. */
const fitting = (name: string, most: number): string => (name.length <= most ? name : `${name.slice(0, most - 1)}…`)

/** Round numbers across a span, at most so many. */
function ticks(low: number, high: number, most: number): readonly number[] {
  const rough = (high - low) / most
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough)!
  const first = Math.ceil(low / step)
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => (first + i) * step)
}

// --- intervals

function forest(title: string, rows: readonly ForestRow[]): string {
  const [left, right, top, step, width] = [190, 24, 30, 30, 680]
  const height = top + rows.length * step + 44
  // What lies far out is drawn at the edge, with an arrow.
  const low = Math.max(-4, Math.min(-0.5, ...rows.map((row) => row.low)))
  const high = Math.min(4, Math.max(1.5, ...rows.map((row) => row.high)))
  const x = (value: number): number =>
    left + ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * (width - left - right)
  const bottom = top + rows.length * step
  const marks = ticks(low, high, 8).flatMap((at) => [
    line(x(at), top - 6, x(at), bottom, 'grid'),
    text(x(at), bottom + 18, `${Math.round(at * 100)} %`, 'text-anchor="middle" class="quiet"'),
  ])
  const drawn = rows.flatMap(({ name, value, low: from, high: to }, i) => {
    const y = top + i * step + step / 2
    const kind = from > 1 ? 'bad' : to > 1 ? 'warn' : 'own'
    const over = to > high ? `<path d="M${n(x(high))} ${n(y - 5)}l7 5l-7 5z" class="${kind} dot"/>` : ''
    const under = from < low ? `<path d="M${n(x(low))} ${n(y - 5)}l-7 5l7 5z" class="${kind} dot"/>` : ''
    return [
      text(left - 14, y + 4, fitting(name, 26), 'text-anchor="end"'),
      line(x(from), y, x(to), y, `${kind} whisker`),
      over,
      under,
      value >= low && value <= high ? `<circle cx="${n(x(value))}" cy="${n(y)}" r="5" class="${kind} dot"/>` : '',
    ]
  })
  const says = rows
    .map(
      ({ name, value, low: from, high: to }) => `${name}: ${percentOf(value)}, ${percentOf(from)} to ${percentOf(to)}`,
    )
    .join('; ')
  return svg(width, height, title, says, [
    `<rect x="${n(x(1))}" y="${top - 6}" width="${n(width - right - x(1))}" height="${bottom - top + 6}" class="beyond"/>`,
    ...marks,
    line(x(0), top - 10, x(0), bottom, 'axis'),
    line(x(1), top - 10, x(1), bottom, 'limit'),
    text(x(0), top - 14, 'equal', 'text-anchor="middle" class="quiet"'),
    text(x(1), top - 14, 'all that is allowed', 'text-anchor="middle" class="limit-label"'),
    ...drawn,
    text(left, bottom + 36, '← better', 'class="quiet"'),
    text(width - right, bottom + 36, 'worse →', 'text-anchor="end" class="quiet"'),
  ])
}
const percentOf = (share: number): string => `${Math.round(share * 100)} %`

// --- curves of probabilities

const side = { size: 340, left: 46, top: 14, inner: 270 }
const unitX = (value: number): number => side.left + value * side.inner
const unitY = (value: number): number => side.top + (1 - value) * side.inner

function frame(across: string, up: string): readonly string[] {
  const marks = [0, 0.25, 0.5, 0.75, 1].flatMap((at) => [
    line(unitX(at), unitY(0), unitX(at), unitY(1), 'grid'),
    line(unitX(0), unitY(at), unitX(1), unitY(at), 'grid'),
    text(unitX(at), unitY(0) + 17, String(at), 'text-anchor="middle" class="quiet"'),
    text(unitX(0) - 8, unitY(at) + 4, String(at), 'text-anchor="end" class="quiet"'),
  ])
  return [
    ...marks,
    line(unitX(0), unitY(0), unitX(1), unitY(1), 'ideal'),
    text(unitX(0.5), unitY(0) + 36, across, 'text-anchor="middle"'),
    `<text transform="translate(12 ${n(unitY(0.5))}) rotate(-90)" text-anchor="middle">${escapeHtml(up)}</text>`,
  ]
}

const path = (points: Curve, kind: string): string =>
  points.length === 0
    ? ''
    : `<path d="${points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${n(unitX(x))} ${n(unitY(y))}`).join('')}" class="${kind} curve"/>`

function legend({ challenger, champion }: Names, both: boolean, x: number, y: number): readonly string[] {
  const entry = (name: string, kind: string, at: number): string =>
    `${line(x, at, x + 22, at, `${kind} curve`)}${text(x + 30, at + 4, name)}`
  return [entry(challenger, 'own', y), ...(both ? [entry(champion, 'other', y + 18)] : [])]
}

function roc({ title, names, challenger, champion }: Extract<Picture, { readonly kind: 'roc' }>): string {
  return svg(side.size, side.size, title, `${challenger.length} points from (0, 0) to (1, 1).`, [
    ...frame('False positives', 'True positives'),
    champion === null ? '' : path(champion, 'other'),
    path(challenger, 'own'),
    ...legend(names, champion !== null, unitX(0.52), unitY(0.16)),
  ])
}

function reliability({
  title,
  names,
  challenger,
  champion,
}: Extract<Picture, { readonly kind: 'reliability' }>): string {
  const most = Math.max(1, ...challenger.map(({ rows }) => rows))
  const dots = challenger.map(
    ({ rows, mean, share }) =>
      `<circle cx="${n(unitX(mean))}" cy="${n(unitY(share))}" r="${n(3 + 6 * Math.sqrt(rows / most))}" class="own dot"/>`,
  )
  const curve = (of: Reliability): Curve => of.map(({ mean, share }) => [mean, share])
  const says = challenger
    .map(({ rows, mean, share }) => `of ${compact(rows)} rows near ${figure(mean)} a share of ${figure(share)} is true`)
    .join('; ')
  return svg(side.size, side.size, title, says, [
    ...frame('Probability that was answered', 'Share that was true'),
    champion === null ? '' : path(curve(champion), 'other'),
    path(curve(challenger), 'own'),
    ...dots,
    ...legend(names, champion !== null, unitX(0.06), unitY(0.94)),
  ])
}

// --- numbers and labels

function residuals(title: string, points: Curve): string {
  if (points.length === 0) return ''
  const [width, height, left, top, bottom] = [680, 300, 60, 14, 44]
  const spread = (values: readonly number[]): readonly [number, number] => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return low === high ? [low - 1, high + 1] : [low, high]
  }
  const [x0, x1] = spread(points.map(([x]) => x))
  const [y0, y1] = spread([...points.map(([, y]) => y), 0])
  const x = (value: number): number => left + ((value - x0) / (x1 - x0)) * (width - left - 16)
  const y = (value: number): number => top + ((y1 - value) / (y1 - y0)) * (height - top - bottom)
  return svg(width, height, title, `${points.length} rows.`, [
    ...ticks(y0, y1, 6).flatMap((at) => [
      line(left, y(at), width - 16, y(at), 'grid'),
      text(left - 8, y(at) + 4, figure(at), 'text-anchor="end" class="quiet"'),
    ]),
    ...ticks(x0, x1, 8).map((at) =>
      text(x(at), height - bottom + 18, figure(at), 'text-anchor="middle" class="quiet"'),
    ),
    line(left, y(0), width - 16, y(0), 'axis'),
    ...points.map(([px, py]) => `<circle cx="${n(x(px))}" cy="${n(y(py))}" r="2.5" class="own dot faint"/>`),
    text((left + width) / 2, height - 6, 'What was answered', 'text-anchor="middle"'),
  ])
}

/** Labels beyond these stand in no picture that could be read. */
const mostLabels = 12

function confusion(title: string, cells: readonly ConfusionCell[]): string {
  const labels = [...new Set(cells.flatMap(({ truth, answer }) => [truth, answer]))].sort()
  if (labels.length > mostLabels) return ''
  const [left, top, step] = [110, 46, 56]
  const width = left + labels.length * step + 10
  const height = top + labels.length * step + 10
  const counts = new Map(cells.map(({ truth, answer, rows }) => [JSON.stringify([truth, answer]), rows]))
  const totals = labels.map((truth) => cells.reduce((sum, cell) => sum + (cell.truth === truth ? cell.rows : 0), 0))
  const drawn = labels.flatMap((truth, i) =>
    labels.flatMap((answer, j) => {
      const rows = counts.get(JSON.stringify([truth, answer])) ?? 0
      const share = totals[i] === 0 ? 0 : rows / totals[i]!
      const [x, y] = [left + j * step, top + i * step]
      return [
        `<rect x="${x + 1}" y="${y + 1}" width="${step - 2}" height="${step - 2}" rx="4" class="${i === j ? 'own' : 'bad'} cell" fill-opacity="${n(0.08 + share * 0.5)}"/>`,
        text(x + step / 2, y + step / 2 + 4, compact(rows), 'text-anchor="middle"'),
      ]
    }),
  )
  const says = cells.map(({ truth, answer, rows }) => `${rows} of truth ${truth} answered ${answer}`).join('; ')
  return svg(width, height, title, says, [
    text(left, 14, 'answer →', 'class="quiet"'),
    text(left - 10, top - 8, 'truth ↓', 'text-anchor="end" class="quiet"'),
    ...labels.map((label, i) =>
      text(left - 10, top + i * step + step / 2 + 4, fitting(label, 14), 'text-anchor="end"'),
    ),
    ...labels.map((label, j) => text(left + j * step + step / 2, top - 8, fitting(label, 7), 'text-anchor="middle"')),
    ...drawn,
  ])
}

// --- time

function latency(title: string, bars: readonly LatencyBar[], budgetMs: number): string {
  const [left, right, top, step, width] = [190, 70, 26, 46, 680]
  const height = top + bars.length * step + 40
  const longest = Math.max(...bars.map(({ p99Ms }) => p99Ms))
  // A budget far beyond what is needed would leave nothing to see.
  const high = Math.min(Math.max(budgetMs * 1.1, longest * 1.1), longest * 8)
  const x = (value: number): number => left + (Math.min(value, high) / high) * (width - left - right)
  const bottom = top + bars.length * step
  const shown = budgetMs <= high
  return svg(
    width,
    height,
    title,
    `${bars.map(({ rows, p50Ms, p99Ms }) => `${rows} rows: median ${figure(p50Ms)}, p99 ${figure(p99Ms)}`).join('; ')}; budget ${figure(budgetMs)}.`,
    [
      ...ticks(0, high, 6).flatMap((at) => [
        line(x(at), top - 6, x(at), bottom, 'grid'),
        text(x(at), bottom + 17, figure(at), 'text-anchor="middle" class="quiet"'),
      ]),
      ...bars.flatMap(({ rows, p50Ms, p99Ms }, i) => {
        const y = top + i * step
        const kind = p99Ms > budgetMs ? 'bad' : 'own'
        return [
          text(left - 14, y + 25, `${compact(rows)} ${rows === 1 ? 'row' : 'rows'} at once`, 'text-anchor="end"'),
          `<rect x="${left}" y="${y + 8}" width="${n(Math.max(1, x(p99Ms) - left))}" height="26" rx="3" class="${kind} bar light"/>`,
          `<rect x="${left}" y="${y + 8}" width="${n(Math.max(1, x(p50Ms) - left))}" height="26" rx="3" class="${kind} bar"/>`,
          text(x(p99Ms) + 8, y + 26, figure(p99Ms)),
        ]
      }),
      line(left, top - 6, left, bottom, 'axis'),
      ...(shown
        ? [
            line(x(budgetMs), top - 10, x(budgetMs), bottom, 'limit'),
            text(x(budgetMs), top - 13, 'budget', 'text-anchor="middle" class="limit-label"'),
          ]
        : [text(width - 8, top - 12, `budget ${figure(budgetMs)} ms →`, 'text-anchor="end" class="limit-label"')]),
      text(left, bottom + 36, 'dark: median, light: p99', 'class="quiet"'),
    ],
  )
}
