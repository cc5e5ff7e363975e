/** A definition in the drawing. What the edges show is said in words too. */
import type { KeyboardEvent } from 'react'
import type { Graph, Status } from '../data/wire.ts'
import { counted, rate } from '../format.ts'
import { perSecondNow } from '../models/figures.ts'
import type { Placed } from './layout.ts'
import { elementId, nodeHeight } from './layout.ts'

interface Props {
  readonly placed: Placed
  readonly graph: Graph
  readonly status: Status
  readonly near: boolean
  readonly selected: boolean
  readonly onPoint: (id: string | null) => void
  readonly onSelect: (id: string | null) => void
}

export function NodeButton({ placed: { node, entity }, graph, status, near, selected, onPoint, onSelect }: Props) {
  const { id, name, kind } = node
  return (
    <button
      type="button"
      id={elementId(id)}
      className={`node ${kind}${near ? ' near' : ''}`}
      style={{ height: nodeHeight }}
      aria-pressed={selected}
      onClick={() => onSelect(selected ? null : id)}
      onKeyDown={(event) => move(event, id, graph)}
      onPointerEnter={() => onPoint(id)}
      onPointerLeave={() => onPoint(null)}
      onFocus={() => onPoint(id)}
      onBlur={() => onPoint(null)}
    >
      <span className="unseen">{kind} </span>
      <span className="name" title={name}>
        {name}
      </span>
      <span className="about">
        {entity !== null && (
          <span className="entity">
            <span className="unseen">of </span>
            {entity}
          </span>
        )}
        <span>{aboutOf(node, status)}</span>
      </span>
      <span className="unseen">{relations(graph, id)}</span>
    </button>
  )
}

function aboutOf({ kind, name, parts }: Placed['node'], { models, views }: Status): string {
  if (kind === 'model') {
    const model = models.find((one) => one.model === name)
    if (model === undefined) return ''
    return `${model.version === null ? 'fallback' : `version ${model.version}`} · ${rate(perSecondNow(model.measures))}/s`
  }
  const members = parts[0]?.members.length ?? 0
  if (kind === 'source') return counted(members, 'field')
  const behind = views.find(({ view }) => view === name)?.behind ?? 0
  return `${counted(members, 'feature')}${behind > 0 ? ` · ${counted(behind, 'event')} behind` : ''}`
}

const bare = (id: string): string => id.slice(id.indexOf(' ') + 1)

function relations({ edges }: Graph, id: string): string {
  const from = edges.filter((edge) => edge.to === id && !edge.from.startsWith('entity ')).map((edge) => bare(edge.from))
  const to = edges.filter((edge) => edge.from === id).map((edge) => bare(edge.to))
  return `${from.length > 0 ? `. Reads ${from.join(', ')}` : ''}${to.length > 0 ? `. Read by ${to.join(', ')}` : ''}.`
}

/** Arrows up and down go through a column, left and right along an edge. */
function move(event: KeyboardEvent<HTMLButtonElement>, id: string, { edges }: Graph): void {
  const target = (): HTMLElement | null | undefined => {
    const item = event.currentTarget.closest('li')
    if (event.key === 'ArrowDown') return item?.nextElementSibling?.querySelector('button')
    if (event.key === 'ArrowUp') return item?.previousElementSibling?.querySelector('button')
    const edge =
      event.key === 'ArrowLeft'
        ? edges.find(({ from, to }) => to === id && !from.startsWith('entity '))?.from
        : event.key === 'ArrowRight'
          ? edges.find(({ from }) => from === id)?.to
          : undefined
    return edge === undefined ? null : document.getElementById(elementId(edge))
  }
  const to = target()
  if (to == null) return
  event.preventDefault()
  to.focus()
}
