/** One prediction: what was asked, of which features it was made and how old they were, what was replaced and why, and where its time went. */
import type { Live } from '../data/poll.ts'
import { path } from '../data/server.ts'
import { useAsked } from '../data/useAsked.ts'
import type { Explanation, GraphNode } from '../data/wire.ts'
import { instant, lasted } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import { Page } from '../parts/Page.tsx'
import { Waiting } from '../parts/Refused.tsx'
import { hashOf } from '../router.ts'
import { adviceFor } from './advice.ts'
import { Shares } from './Shares.tsx'
import { Waterfall } from './Waterfall.tsx'

interface Props {
  readonly id: string
  readonly live: Live
}

export function PredictionPage({ id, live }: Props) {
  const { value, refusal } = useAsked<Explanation>(path`/v1/predictions/${id}`)
  return (
    <Page
      above={
        value === null
          ? [['Models', { page: 'models' }]]
          : [
              ['Models', { page: 'models' }],
              [value.model, { page: 'model', model: value.model }],
              ['Serving', { page: 'serving', model: value.model }],
            ]
      }
      title={id}
      beside={
        value !== null && (
          <span className={value.degraded.length > 0 ? 'badge warn' : 'badge good'}>
            {value.degraded.length > 0 ? 'Degraded' : 'Nothing replaced'}
          </span>
        )
      }
    >
      {value === null ? (
        <Waiting refusal={refusal} what={`the prediction ${id}`} />
      ) : (
        <Explained
          value={value}
          budget={live.seen?.status.models.find(({ model }) => model === value.model)?.budget ?? null}
          nodes={live.seen?.platform.graph.nodes ?? []}
        />
      )}
    </Page>
  )
}

interface ExplainedProps {
  readonly value: Explanation
  readonly budget: { readonly [stage: string]: number } | null
  /** What is defined: it has the types of what was logged. */
  readonly nodes: readonly GraphNode[]
}

function Explained({ value, budget, nodes }: ExplainedProps) {
  const { id, model, version, at, keys, request, groups, vector, outputs, degraded, milliseconds, outcome } = value
  return (
    <>
      <p className="lead">
        Asked about {instant(at)} UTC, answered by{' '}
        {version === null ? (
          'no version'
        ) : (
          <a href={hashOf({ page: 'version', model, version })}>
            version {version} of {model}
          </a>
        )}
        .
      </p>
      {degraded.map(({ stage, by, reason }) => (
        <div key={`${stage} ${by}`} className="notice warn">
          <p className="what">
            {stage}: {by}, because of {reason}
          </p>
          <p>{adviceFor(stage, reason) ?? 'The log of the server has more of it.'}</p>
        </div>
      ))}
      {budget !== null && (
        <section aria-labelledby="time-title" className="card padded">
          <h3 id="time-title">Where its time went</h3>
          <Waterfall
            label="Stages of this prediction against the budget"
            budget={budget}
            lines={[{ name: 'This one', times: { ...milliseconds } }]}
          />
        </section>
      )}
      <Shares id={id} vector={vector ?? {}} />
      <div className="inspected">
        <Values title="Answer" values={outputs} />
        <Values title="Outcome" values={outcome?.values ?? {}} none="None came yet." />
        <Values title="Keys" values={keys} none="The model has none." />
        <Values
          title="Request"
          values={request}
          types={typesOf(nodes, `model ${model}`)}
          none="The model asks for none."
        />
        {groups.map(({ group, view, entity, ageMs, features }) => (
          <Values
            key={group}
            title={`Features of ${group}`}
            aside={`${view === group ? '' : `view ${view}, `}${
              entity === 'never seen'
                ? 'never seen'
                : ageMs === null
                  ? 'of no event'
                  : `newest event ${ageOf(ageMs)} old`
            }`}
            values={features}
            types={typesOf(nodes, `view ${view}`)}
          />
        ))}
        <Values
          title="Vector"
          values={vector ?? {}}
          none="The model was defined otherwise when it answered: what it was made of cannot be computed again."
        />
      </div>
    </>
  )
}

const ageOf = (ms: number): string => (ms < 60_000 ? `${Math.round(ms / 1000)} s` : lasted(ms))

const typesOf = (nodes: readonly GraphNode[], id: string): Types =>
  new Map(
    nodes
      .find((node) => node.id === id)
      ?.parts.flatMap(({ members }) => members)
      .map(({ name, type }) => [name, type]),
  )
type Types = ReadonlyMap<string, string>

interface ValuesProps {
  readonly title: string
  readonly aside?: string
  readonly values: { readonly [name: string]: unknown }
  readonly types?: Types
  readonly none?: string
}

function Values({ title, aside, values, types, none = 'None.' }: ValuesProps) {
  const all = Object.entries(values)
  return (
    <section aria-label={title} className="card padded">
      <h3>
        {title} {aside !== undefined && <span className="aside">{aside}</span>}
      </h3>
      {all.length === 0 ? (
        <p className="empty">{none}</p>
      ) : (
        <Across label={`${title}, to be scrolled`} className="scroll-across">
          <table>
            <caption className="unseen">{title}</caption>
            <thead className="unseen">
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {all.map(([name, one]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td className="number">
                    <code>{shown(one, types?.get(name))}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Across>
      )}
    </section>
  )
}

/** As it is, but for digits that nobody reads. */
function shown(value: unknown, type = ''): string {
  if (value === null || value === undefined) return 'missing'
  if (typeof value === 'number')
    return type.startsWith('timestamp')
      ? instant(value)
      : String(Number.isInteger(value) ? value : Number(value.toPrecision(7)))
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
