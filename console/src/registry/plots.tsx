/** Small drawings of what a validation measured. Each has its figures as a table beside it, for whoever reads or hears them. */
import { count, measured, milliseconds } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import type { Batch, Bin, Comparison, Estimate } from './figures-of.ts'

interface Scale {
  readonly place: (value: number) => number
}

/** What is measured in the same unit shares a scale. */
function scalesOf(all: readonly Comparison[]): ReadonlyMap<string, Scale> {
  const scales = new Map<string, Scale>()
  for (const { metric } of all) {
    const ends = all
      .filter((one) => one.metric === metric)
      .flatMap(({ challenger, champion }) => [challenger, ...(champion === null ? [] : [champion])])
    const least = Math.min(...ends.map(({ value, low }) => low ?? value))
    const most = Math.max(...ends.map(({ value, high }) => high ?? value))
    const room = (most - least || Math.abs(most) || 1) * 0.06
    scales.set(metric, { place: (value) => (100 * (value - least + room)) / (most - least + 2 * room) })
  }
  return scales
}

/** A measure with its interval, and below it that of the version that was in production then. */
export function Intervals({ of }: { readonly of: readonly Comparison[] }) {
  const scales = scalesOf(of)
  const compared = of.some(({ champion }) => champion !== null)
  return (
    <figure className="plot intervals">
      <figcaption>
        <h4>{compared ? 'Beside what was in production' : 'Measured on held-out data'}</h4>
        <p className="key" aria-hidden="true">
          <span className="dot challenger" /> this version
          {compared && (
            <>
              <span className="dot champion" /> production
            </>
          )}
        </p>
      </figcaption>
      <table>
        <thead className="unseen">
          <tr>
            <th scope="col">Measure</th>
            <th scope="col">Drawn</th>
            <th scope="col">This version</th>
            <th scope="col">In production then</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ name, metric, challenger, champion, outcome }) => (
            <tr key={name}>
              <th scope="row" className={outcome === 'failed' ? 'failed' : undefined}>
                {name.replace(/^(held-out|slice): /, '')}
                {outcome === 'failed' && <span className="unseen">, failed</span>}
              </th>
              <td className="drawn">
                <div aria-hidden="true">
                  <Whisker of={challenger} place={scales.get(metric)!.place} kind="challenger" />
                  {champion !== null && <Whisker of={champion} place={scales.get(metric)!.place} kind="champion" />}
                </div>
              </td>
              <td className="number">
                <span title={spanOf(challenger)}>{measured(challenger.value)}</span>
              </td>
              <td className="number quiet-text">
                {champion === null ? '–' : <span title={spanOf(champion)}>{measured(champion.value)}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  )
}

const spanOf = ({ low, high }: Estimate): string | undefined =>
  low === null || high === null ? undefined : `${measured(low)} … ${measured(high)}`

interface WhiskerProps {
  readonly of: Estimate
  readonly place: (value: number) => number
  readonly kind: 'challenger' | 'champion'
}

const Whisker = ({ of: { value, low, high }, place, kind }: WhiskerProps) => (
  <div className={`whisker ${kind}`}>
    {low !== null && high !== null && <i style={{ left: `${place(low)}%`, width: `${place(high) - place(low)}%` }} />}
    <b style={{ left: `${place(value)}%` }} />
  </div>
)

const side = 200
const rim = { left: 30, bottom: 22, top: 6, right: 6 }

/** How often what was predicted came true. On the diagonal it came true as often as was said. */
export function Reliability({ of }: { readonly of: readonly Bin[] }) {
  const x = (share: number): number => rim.left + share * (side - rim.left - rim.right)
  const y = (share: number): number => side - rim.bottom - share * (side - rim.top - rim.bottom)
  const most = Math.max(...of.map(({ rows }) => rows))
  return (
    <figure className="plot reliability">
      <figcaption>
        <h4>Reliability</h4>
      </figcaption>
      <svg
        viewBox={`0 0 ${side} ${side}`}
        role="img"
        aria-label="How often what was predicted came true; the figures are in the table below"
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line className="grid" x1={x(0)} x2={x(1)} y1={y(share)} y2={y(share)} />
            <line className="grid" x1={x(share)} x2={x(share)} y1={y(0)} y2={y(1)} />
            <text x={rim.left - 5} y={y(share) + 3.5} textAnchor="end">
              {share}
            </text>
            <text x={x(share)} y={side - 8} textAnchor={share === 0 ? 'start' : share === 1 ? 'end' : 'middle'}>
              {share === 0.5 ? 'predicted' : share}
            </text>
          </g>
        ))}
        <line className="diagonal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
        <polyline
          className="line"
          points={of.map(({ predicted, observed }) => `${x(predicted)},${y(observed)}`).join(' ')}
        />
        {of.map(({ predicted, observed, rows }) => (
          <circle
            key={predicted}
            className="point"
            cx={x(predicted)}
            cy={y(observed)}
            r={2 + 4 * Math.sqrt(rows / most)}
          />
        ))}
      </svg>
      <details>
        <summary>Figures</summary>
        <Across label="Figures, to be scrolled" className="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col" className="number">
                  Predicted
                </th>
                <th scope="col" className="number">
                  Came true
                </th>
                <th scope="col" className="number">
                  Rows
                </th>
              </tr>
            </thead>
            <tbody>
              {of.map(({ predicted, observed, rows }) => (
                <tr key={predicted}>
                  <td className="number">{predicted.toFixed(3)}</td>
                  <td className="number">{observed.toFixed(3)}</td>
                  <td className="number">{count(rows)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Across>
      </details>
    </figure>
  )
}

/** From the median to the 99th percentile, against the budget. */
export function Latency({ of }: { readonly of: readonly Batch[] }) {
  const most = Math.max(...of.map(({ p99, budget }) => Math.max(p99, budget ?? 0))) * 1.05
  const place = (ms: number): number => (100 * ms) / most
  return (
    <figure className="plot latency">
      <figcaption>
        <h4>
          Latency <span className="aside">in milliseconds</span>
        </h4>
        <p className="key" aria-hidden="true">
          <span className="key-range" /> p50 to p99 <span className="key-budget" /> budget
        </p>
      </figcaption>
      <table>
        <thead>
          <tr>
            <th scope="col" className="number">
              Rows
            </th>
            <th scope="col">
              <span className="unseen">Against the budget</span>
            </th>
            <th scope="col" className="number">
              p50
            </th>
            <th scope="col" className="number">
              p99
            </th>
            <th scope="col" className="number">
              Budget
            </th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ rows, p50, p99, budget }) => {
            const over = budget !== null && p99 > budget
            return (
              <tr key={rows}>
                <th scope="row" className="number">
                  {count(rows)}
                </th>
                <td className="drawn">
                  <div className="track" aria-hidden="true">
                    <i
                      className={over ? 'range over' : 'range'}
                      style={{ left: `${place(p50 ?? 0)}%`, width: `${place(p99) - place(p50 ?? 0)}%` }}
                    />
                    {budget !== null && <i className="budget" style={{ left: `${place(budget)}%` }} />}
                  </div>
                </td>
                <td className="number">{milliseconds(p50)}</td>
                <td className={over ? 'number over' : 'number'}>
                  {over ? `▲ ${milliseconds(p99)}` : milliseconds(p99)}
                </td>
                <td className="number quiet-text">{budget === null ? '–' : measured(budget)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </figure>
  )
}
