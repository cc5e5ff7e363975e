/** The main figure of an output by the day of the prediction, with the base rate's beside it. */
import { useMemo } from 'react'
import type { OutputQuality } from '../data/wire.ts'
import { count, day, figure } from '../format.ts'
import { Sparkline } from '../parts/Sparkline.tsx'
import { dayLineOf } from './quality-figures.ts'

interface Props {
  readonly model: string
  readonly output: string
  readonly quality: OutputQuality
}

export function QualityByDay({ model, output, quality }: Props) {
  const { name, digits, days } = useMemo(() => dayLineOf(quality), [quality])
  const x = useMemo(() => days.map((one) => one.day), [days])
  const lines = useMemo(
    () => [
      { name: 'model', values: days.map(({ value }) => value) },
      { name: 'base rate', values: days.map(({ base }) => base), dashed: true },
    ],
    [days],
  )
  return (
    <>
      <Sparkline
        label={`${name} of ${model}, ${output}, by day`}
        x={x}
        lines={lines}
        formatX={day}
        formatY={(value) => figure(value, 2)}
        empty={
          days.length === 0 ? (
            <>
              No outcomes yet. Say what came with <code>POST /v1/outcomes</code>
            </>
          ) : days.length === 1 ? (
            'One day so far: a line needs two.'
          ) : null
        }
      />
      <details>
        <summary>{name} by day</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must be able to. */}
        <section className="scroll" aria-label={`${name} of ${model}, ${output}, as a table`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Day</th>
                <th scope="col" className="number">
                  Outcomes
                </th>
                <th scope="col" className="number">
                  {name}
                </th>
                <th scope="col" className="number">
                  Base rate
                </th>
              </tr>
            </thead>
            <tbody>
              {[...days].reverse().map((one) => (
                <tr key={one.day}>
                  <th scope="row">{day(one.day)}</th>
                  <td className="number">{count(one.examples)}</td>
                  <td className="number">{figure(one.value, digits)}</td>
                  <td className="number">{figure(one.base, digits)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </>
  )
}
