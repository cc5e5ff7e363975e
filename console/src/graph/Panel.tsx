/** What is to be known of one definition; of none, what there is and how to read it. */
import { useEffect, useRef } from 'react'
import type { Graph, GraphNode, Status } from '../data/wire.ts'
import { counted, instant } from '../format.ts'
import { Members } from './Members.tsx'

interface Props {
  readonly graph: Graph
  readonly node: GraphNode | null
  readonly status: Status
  readonly onClose: () => void
}

export function Panel({ graph, node, status, onClose }: Props) {
  const panel = useRef<HTMLElement>(null)
  const id = node?.id
  useEffect(() => {
    if (id === undefined || panel.current === null) return
    panel.current.scrollTop = 0
    // Beside the drawing it is in view already.
    if (matchMedia('(max-width: 1000px)').matches) panel.current.scrollIntoView({ block: 'nearest' })
  }, [id])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must be able to.
    <aside className="panel" aria-label="Details" ref={panel} tabIndex={0}>
      {node === null ? <Summary graph={graph} /> : <Details node={node} status={status} onClose={onClose} />}
    </aside>
  )
}

function Summary({ graph: { nodes } }: { readonly graph: Graph }) {
  const number = (kind: GraphNode['kind']): number => nodes.filter((node) => node.kind === kind).length
  const features = nodes.filter(({ kind }) => kind === 'view').flatMap(({ parts }) => parts[0]?.members ?? []).length
  return (
    <>
      <h3>At a glance</h3>
      <ul className="glance">
        <li>{counted(number('source'), 'source')}</li>
        <li>{counted(number('entity'), 'entity', 'entities')}</li>
        <li>
          {counted(number('view'), 'view')} with {counted(features, 'feature')}
        </li>
        <li>{counted(number('model'), 'model')}</li>
      </ul>
      <p className="hint">
        Select a definition to see what it is made of. Hover or focus one to follow where its values come from, and
        where they go.
      </p>
    </>
  )
}

interface DetailsProps {
  readonly node: GraphNode
  readonly status: Status
  readonly onClose: () => void
}

function Details({ node: { kind, name, description, facts, parts }, status, onClose }: DetailsProps) {
  const all = [...facts, ...stateOf(kind, name, status)]
  return (
    <>
      <header>
        <p className="kind">{kind}</p>
        <h3>{name}</h3>
        <button type="button" className="close" onClick={onClose} aria-label="Close the details">
          ×
        </button>
      </header>
      {description !== null && <p className="description">{description}</p>}
      {all.length > 0 && (
        <dl className="facts">
          {all.map((fact) => (
            <div key={fact.name}>
              <dt>{fact.name}</dt>
              <dd>{fact.value}</dd>
            </div>
          ))}
        </dl>
      )}
      {parts.map(({ title, members }) => (
        <Members key={title} title={title} members={members} />
      ))}
    </>
  )
}

const behindOf = (events: number | null): string =>
  events === null ? 'unknown' : events === 0 ? 'nothing waits in the log' : counted(events, 'event')

/** What is known only while it runs. */
function stateOf(kind: GraphNode['kind'], name: string, { views, models }: Status): GraphNode['facts'] {
  const view = kind === 'view' ? views.find((one) => one.view === name) : undefined
  if (view !== undefined)
    return [
      { name: 'History', value: view.through === null ? 'none materialised' : `through ${instant(view.through)} UTC` },
      { name: 'Behind', value: behindOf(view.behind) },
    ]
  const model = kind === 'model' ? models.find((one) => one.model === name) : undefined
  if (model === undefined) return []
  const budget = Object.entries(model.budget).map(([stage, ms]) => `${stage} ${ms}`)
  return [
    { name: 'Version', value: model.version ?? 'none: the fallback answers' },
    { name: 'Budget', value: `${budget.join(', ')} ms` },
  ]
}
