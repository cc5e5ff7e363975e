/** Half a year of runs: a square a day, coloured by what became of the newest run for it. */

import type { BriefRun } from '../data/batches.ts'
import { stateWords } from '../data/batches.ts'
import { day } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import { hashOf } from '../router.ts'
import type { CalendarDay } from './calendar.ts'
import { weeksOf } from './calendar.ts'

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const month = (at: number): string => new Date(at).toLocaleDateString('en-GB', { month: 'short', timeZone: 'UTC' })

export function Calendar({
  batch,
  runs,
  now,
}: {
  readonly batch: string
  readonly runs: readonly BriefRun[]
  readonly now: number
}) {
  const weeks = weeksOf(runs, now)
  const names = weeks.map((week, i) =>
    i === 0 || month(week[0]!.at) !== month(weeks[i - 1]![0]!.at) ? month(week[0]!.at) : '',
  )
  return (
    <Across label={`Runs of ${batch} by day, to be scrolled`} className="scroll-across">
      <table className="calendar">
        <caption className="unseen">Runs of {batch} by the day that they are for</caption>
        <thead>
          <tr>
            <td />
            {weeks.map((week, i) => (
              <th key={week[0]!.at} scope="col">
                {names[i]}
                <span className="unseen"> week of {day(week[0]!.at)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weekdays.map((name, weekday) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {weeks.map((week) => (
                <td key={week[0]!.at}>
                  <Day batch={batch} of={week[weekday]!} now={now} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Across>
  )
}

function Day({
  batch,
  of: { at, runs },
  now,
}: {
  readonly batch: string
  readonly of: CalendarDay
  readonly now: number
}) {
  const [newest] = runs
  const today = now >= at && now < at + 86_400_000 ? ' today' : ''
  if (newest === undefined) return <span className={`square${today}`} title={day(at)} />
  const [words, kind] = stateWords[newest.state]
  const text = `${day(at)}: version ${newest.version} ${words}${runs.length > 1 ? `, and ${runs.length - 1} more` : ''}`
  return (
    <a
      className={`square ${kind}${today}`}
      href={hashOf({ page: 'run', batch, version: String(newest.version) })}
      title={text}
    >
      <span className="unseen">{text}</span>
    </a>
  )
}
