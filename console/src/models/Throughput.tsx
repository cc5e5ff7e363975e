/** Predictions per second over the last ten minutes. */
import { useMemo } from 'react'
import type { ModelStatus } from '../data/wire.ts'
import { count, rate } from '../format.ts'
import { Figure } from '../parts/Figure.tsx'
import { Sparkline } from '../parts/Sparkline.tsx'
import { perMinute, perSecondNow, smoothed } from './figures.ts'

interface Props {
  readonly model: string
  readonly measures: ModelStatus['measures']
}

const when = (seconds: number): string =>
  seconds >= -1 ? 'now' : seconds % 60 === 0 ? `${-seconds / 60} min ago` : `${-seconds} s ago`

export function Throughput({ model, measures }: Props) {
  const { perSecond, predictions } = measures
  const x = useMemo(() => perSecond.map((_, i) => i - perSecond.length), [perSecond])
  const lines = useMemo(() => [{ name: 'per second', values: smoothed(perSecond) }], [perSecond])
  const minutes = perMinute(perSecond)
  const rows = minutes.map((total, i) => ({ total, ago: minutes.length - i }))
  return (
    <>
      <h4>Throughput</h4>
      <dl className="figures">
        <Figure name="Predictions" value={rate(perSecondNow(measures))} unit="/s" />
        <Figure name="Since the start" value={count(predictions)} />
      </dl>
      <Sparkline
        label={`Predictions per second of ${model}, last ten minutes`}
        x={x}
        lines={lines}
        fromZero
        formatX={when}
        formatY={rate}
        empty={
          predictions === 0 ? (
            <>
              No predictions yet. Ask with <code>POST /v1/models/{model}/predict</code>
            </>
          ) : null
        }
      />
      <details>
        <summary>By the minute</summary>
        <table>
          <caption className="unseen">Predictions of {model} by the minute</caption>
          <thead>
            <tr>
              <th scope="col">Minute</th>
              <th scope="col" className="number">
                Predictions
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ total, ago }) => (
              <tr key={ago}>
                <th scope="row">{ago === 1 ? 'the last' : `${ago} min ago`}</th>
                <td className="number">{count(total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  )
}
