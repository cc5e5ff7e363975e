/**
 * Where the time of a request goes, stage after stage, against the budget: each line is a request from end to end. What is on the network
 * no server sees; it is hatched, with its share in its place. The same figures stand below as a table.
 */
import type { ModelStatus } from '../data/wire.ts'
import { milliseconds } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import type { Segment, Times } from './stages.ts'
import { budgetSegments, measuredSegments, passages, ticks } from './stages.ts'

export interface TimesLine {
  readonly name: string
  readonly times: Times
}

interface Props {
  readonly label: string
  readonly budget: ModelStatus['budget']
  readonly lines: readonly TimesLine[]
}

const classOf = (stage: string): string => `stage-${stage.replace(' ', '-')}`

export function Waterfall({ label, budget, lines }: Props) {
  const total = budget['total'] ?? 0
  const laid = lines.map(({ name, times }) => ({ name, segments: measuredSegments(budget, times) }))
  const shares = budgetSegments(budget)
  const most = Math.max(total, ...[shares, ...laid.map(({ segments }) => segments)].map((all) => all.at(-1)?.to ?? 0))
  const scale = most === 0 ? 1 : most
  const place = (ms: number): string => `${(100 * ms) / scale}%`
  return (
    <>
      <div className="waterfall" aria-hidden="true">
        <Strip name="Budget" segments={shares} place={place} end={total} planned />
        {laid.map(({ name, segments }) => (
          <Strip key={name} name={name} segments={segments} place={place} end={total} />
        ))}
        <div className="strip-name" />
        <div className="strip-scale">
          {ticks(scale).map((ms) => (
            <span key={ms} style={{ left: place(ms) }}>
              {ms}
            </span>
          ))}
        </div>
      </div>
      <Across label={`${label}, to be scrolled`} className="scroll-across">
        <table className="passages">
          <caption className="unseen">{label}, in milliseconds</caption>
          <thead>
            <tr>
              <th scope="col">Stage, in milliseconds</th>
              <th scope="col" className="number">
                Share
              </th>
              {lines.map(({ name }) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {passages.map(({ stage, seen, share }) => {
              const own = share === null ? null : (budget[share] ?? null)
              return (
                <tr key={stage}>
                  <th scope="row">
                    <i className={`swatch ${classOf(stage)}`} aria-hidden="true" /> {stage}
                  </th>
                  <td className="number">{own === null ? withIn(stage) : milliseconds(own)}</td>
                  {lines.map(({ name, times }) => {
                    const ms = seen ? (times[stage] ?? null) : null
                    return (
                      <td key={name} className={ms !== null && own !== null && ms > own ? 'number over' : 'number'}>
                        {seen ? milliseconds(ms) : 'not seen'}
                      </td>
                    )
                  })}
                </tr>
              )
            })}
            <tr className="sum">
              <th scope="row">
                <i className="swatch" aria-hidden="true" /> total
              </th>
              <td className="number">{milliseconds(total)}</td>
              {lines.map(({ name, times }) => {
                const ms = times['total'] ?? null
                return (
                  <td key={name} className={ms !== null && ms > total ? 'number over' : 'number'}>
                    {milliseconds(ms)}
                  </td>
                )
              })}
            </tr>
          </tbody>
        </table>
      </Across>
    </>
  )
}

/** Stages without a share of their own. */
const withIn = (stage: string): string => (stage === 'queue' ? 'of inference' : 'of network in')

interface StripProps {
  readonly name: string
  readonly segments: readonly Segment[]
  readonly place: (ms: number) => string
  readonly end: number
  readonly planned?: boolean
}

function Strip({ name, segments, place, end, planned = false }: StripProps) {
  return (
    <>
      <div className="strip-name">{name}</div>
      <div className={planned ? 'strip planned' : 'strip'}>
        {segments.map(({ stage, from, to }) => (
          <i
            key={stage}
            className={classOf(stage)}
            title={`${stage}: ${milliseconds(to - from)} ms`}
            style={{ left: place(from), width: place(to - from) }}
          />
        ))}
        <i className="strip-end" style={{ left: place(end) }} />
      </div>
    </>
  )
}
