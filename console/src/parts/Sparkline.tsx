/**
 * A small line chart, drawn by uPlot, with the ends of its axis and the value under the pointer written beside it. It keeps its room
 * also when there is nothing to draw. Whoever shows one shows the same figures as a table.
 */
import type { ReactNode } from 'react'
import { useEffect, useRef, useState } from 'react'
import UPlot from 'uplot'
import { useInk } from './ink.ts'

export interface Line {
  readonly name: string
  readonly values: readonly number[]
  readonly dashed?: boolean
}
interface Props {
  readonly label: string
  readonly x: readonly number[]
  readonly lines: readonly Line[]
  readonly formatX: (x: number) => string
  readonly formatY: (y: number) => string
  readonly fromZero?: boolean
  /** Said in place of lines. */
  readonly empty: ReactNode
}

const height = 96

export function Sparkline({ label, x, lines, formatX, formatY, fromZero = false, empty }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | null>(null)
  const [at, setAt] = useState<number | null>(null)
  const ink = useInk()
  const blank = empty !== null
  const dashes = lines.map(({ dashed }) => (dashed === true ? '1' : '0')).join('')

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plot only for new ink or lines of another kind; data are set below.
  useEffect(() => {
    const element = place.current
    if (element === null || blank) return
    const made = new UPlot(options(element.clientWidth, fromZero, formatY, dashes, ink, setAt), [[], []], element)
    plot.current = made
    made.setData(dataOf(x, lines))
    const watcher = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    watcher.observe(element)
    return () => {
      watcher.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [blank, dashes, ink, fromZero])
  useEffect(() => plot.current?.setData(dataOf(x, lines)), [x, lines])

  const read = at === null || x[at] === undefined ? null : at
  return (
    <figure className="spark">
      {blank ? (
        <p className="empty" style={{ height }}>
          <span>{empty}</span>
        </p>
      ) : (
        <div ref={place} role="img" aria-label={label} style={{ height }} />
      )}
      <figcaption>
        {blank ? (
          ' '
        ) : read === null ? (
          <>
            <span>{formatX(x[0]!)}</span>
            {lines.length > 1 && (
              <span className="lines">
                {lines.map(({ name, dashed }) => (
                  <span key={name} className={dashed === true ? 'dashed' : 'solid'}>
                    {name}
                  </span>
                ))}
              </span>
            )}
            <span>{formatX(x.at(-1)!)}</span>
          </>
        ) : (
          <span>
            {formatX(x[read]!)}: {lines.map(({ name, values }) => `${formatY(values[read]!)} ${name}`).join(', ')}
          </span>
        )}
      </figcaption>
    </figure>
  )
}

const dataOf = (x: readonly number[], lines: readonly Line[]): UPlot.AlignedData => [
  [...x],
  ...lines.map(({ values }) => [...values]),
]

function options(
  width: number,
  fromZero: boolean,
  formatY: (y: number) => string,
  dashes: string,
  ink: { readonly line: string; readonly fill: string; readonly quiet: string; readonly grid: string },
  setAt: (index: number | null) => void,
): UPlot.Options {
  return {
    width,
    height,
    padding: [8, 6, 4, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: false },
      y: { range: (_, least, most) => (fromZero ? [0, Math.max(1, most * 1.1)] : spread(least, most)) },
    },
    axes: [
      { show: false },
      {
        size: 44,
        gap: 6,
        space: 28,
        stroke: ink.quiet,
        font: '11px system-ui, sans-serif',
        grid: { stroke: ink.grid, width: 1 },
        ticks: { show: false },
        values: (_, splits) => splits.map(formatY),
      },
    ],
    series: [
      {},
      ...[...dashes].map((dashed) => ({
        stroke: dashed === '1' ? ink.quiet : ink.line,
        width: 1.5,
        points: { show: false },
        ...(dashed === '1' ? { dash: [4, 4] } : fromZero ? { fill: ink.fill } : {}),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => setAt(cursor.idx ?? null)] },
  }
}

function spread(least: number, most: number): UPlot.Range.MinMax {
  const room = Math.max((most - least) * 0.15, Math.abs(most) * 0.01, 1e-6)
  return [least - room, most + room]
}
