/** From where something comes, and what hangs on it: of a version, a run, a prediction, a feature or a column of a source. */
import type { KeyboardEvent } from 'react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Lineage, LineageNode } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import { useAsked } from '../data/useAsked.ts'
import { counted } from '../format.ts'
import { reachOf } from '../graph/reach.ts'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import type { Place } from '../router.ts'
import { go, hashOf } from '../router.ts'
import type { Placed } from './place.ts'
import { nodeHeight, nodeWidth, placed } from './place.ts'

const kinds: readonly (readonly [of: string, title: string, example: string])[] = [
  ['version', 'Version', 'MODEL/NUMBER'],
  ['prediction', 'Prediction', 'its id'],
  ['run', 'Run', 'its id'],
  ['feature', 'Feature', 'VIEW.FEATURE'],
  ['column', 'Column', 'SOURCE.COLUMN'],
]

interface Props {
  readonly of: string
  readonly value: string
}

export function LineagePage({ of, value }: Props) {
  const [kind, setKind] = useState(of)
  const [wanted, setWanted] = useState(value)
  useEffect(() => {
    setKind(of)
    setWanted(value)
  }, [of, value])
  const { value: lineage, refusal } = useAsked<Lineage>(value === '' ? null : at.lineage(of, value))
  return (
    <Page title="Lineage" beside={value !== '' && <span className="badge">{`${of} ${value}`}</span>}>
      <form
        className="tools filters"
        onSubmit={(event) => {
          event.preventDefault()
          if (wanted.trim() !== '') go({ page: 'lineage', of: kind, value: wanted.trim() })
        }}
      >
        <label className="choice">
          <span>Of</span>
          <select value={kind} onChange={({ target }) => setKind(target.value)}>
            {kinds.map(([name, title]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label className="search wide">
          <span className="unseen">Which</span>
          <input
            type="search"
            value={wanted}
            placeholder={kinds.find(([name]) => name === kind)?.[2] ?? ''}
            maxLength={500}
            onChange={({ target }) => setWanted(target.value)}
          />
        </label>
        <button type="submit" className="button primary">
          Show
        </button>
      </form>
      {value === '' ? (
        <p className="card blank">
          Ask where a prediction or a version comes from, or what breaks if a column or a feature goes.
        </p>
      ) : lineage === null ? (
        <Waiting refusal={refusal} what="the lineage" />
      ) : (
        <>
          {refusal !== null && <Refused refusal={refusal} stale />}
          {lineage.says.length > 0 && (
            <ul className="says" aria-label="In words">
              {lineage.says.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          )}
          <Drawn lineage={lineage} of={of} />
        </>
      )}
    </Page>
  )
}

const elementId = (id: string): string => `lineage-${encodeURIComponent(id)}`

function Drawn({ lineage, of }: { readonly lineage: Lineage; readonly of: string }) {
  const drawing = useMemo(() => placed(lineage), [lineage])
  const [selected, setSelected] = useState<string | null>(null)
  const [pointed, setPointed] = useState<string | null>(null)
  const active = pointed ?? selected
  const reach = useMemo(() => {
    if (active === null) return null
    const { upstream, downstream } = reachOf({ nodes: [], edges: lineage.edges }, active)
    return new Set([active, ...upstream, ...downstream])
  }, [lineage, active])
  const node = lineage.nodes.find(({ id }) => id === selected) ?? null
  const frame = useRef<HTMLDivElement>(null)
  // Where the drawing is larger than its place, what was asked about is in its middle.
  useEffect(() => {
    const asked = drawing.nodes.find((one) => one.node.kind === of)
    if (asked === undefined || frame.current === null) return
    const { clientWidth, clientHeight } = frame.current
    frame.current.scrollTo({
      left: asked.x - (clientWidth - nodeWidth) / 2,
      top: asked.y - (clientHeight - nodeHeight) / 2,
    })
  }, [drawing, of])
  const near = (id: string): boolean => reach?.has(id) === true
  if (lineage.nodes.length === 0) return <p className="card blank">Nothing is known of it.</p>
  return (
    <div className="definitions-body lineage">
      <div className="drawing" ref={frame}>
        <div
          className={active === null ? 'graph' : 'graph looking'}
          style={{ width: drawing.width, height: drawing.height }}
        >
          <svg width={drawing.width} height={drawing.height} aria-hidden="true">
            {[...drawing.edges]
              .sort((a, b) => Number(near(a.from) && near(a.to)) - Number(near(b.from) && near(b.to)))
              .map(({ from, to, path }) => (
                <path key={`${from} ${to}`} d={path} className={near(from) && near(to) ? 'near' : undefined} />
              ))}
          </svg>
          <ul aria-label="Lineage, from the sources on">
            {drawing.nodes.map((one) => (
              <li key={one.node.id} style={{ left: one.x, top: one.y, width: nodeWidth }}>
                <NodeButton
                  placed={one}
                  lineage={lineage}
                  near={near(one.node.id)}
                  selected={one.node.id === selected}
                  onPoint={setPointed}
                  onSelect={setSelected}
                />
              </li>
            ))}
          </ul>
        </div>
      </div>
      <aside className="panel" aria-label="Details">
        {node === null ? (
          <>
            <header>
              <h3>{counted(lineage.nodes.length, 'thing')}</h3>
            </header>
            <p className="hint">
              Select one to see what is known of it. What it comes from and what comes of it lights up; the arrow keys
              follow the lines.
            </p>
          </>
        ) : (
          <>
            <header>
              <p className="kind">{node.kind}</p>
              <h3>{node.name}</h3>
              <button
                type="button"
                className="close"
                aria-label="Close the details"
                onClick={() => {
                  setSelected(null)
                  document.getElementById(elementId(node.id))?.focus()
                }}
              >
                ×
              </button>
            </header>
            {node.facts.length > 0 && (
              <dl className="facts">
                {node.facts.map(({ name, value }) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                  </div>
                ))}
              </dl>
            )}
            <Edges lineage={lineage} id={node.id} />
            <p className="hint">
              {leadsTo(node).map(([title, place]) => (
                <a key={title} href={hashOf(place)}>
                  {title}
                </a>
              ))}
            </p>
          </>
        )}
      </aside>
    </div>
  )
}

function Edges({ lineage: { nodes, edges }, id }: { readonly lineage: Lineage; readonly id: string }) {
  const nameOf = (one: string): string => nodes.find((node) => node.id === one)?.name ?? one
  const list = (title: string, found: readonly (readonly [string, string | null])[]) =>
    found.length > 0 && (
      <>
        <h4>{title}</h4>
        <ul className="members">
          {found.map(([other, label]) => (
            <li key={other}>
              <span className="member-name">{nameOf(other)}</span>
              {label !== null && <span className="member-type">{label}</span>}
            </li>
          ))}
        </ul>
      </>
    )
  return (
    <>
      {list(
        'Comes from',
        edges.filter(({ to }) => to === id).map(({ from, label }) => [from, label] as const),
      )}
      {list(
        'Leads to',
        edges.filter(({ from }) => from === id).map(({ to, label }) => [to, label] as const),
      )}
    </>
  )
}

/** Pages about the thing itself. */
function leadsTo({ kind, name, facts }: LineageNode): readonly (readonly [string, Place])[] {
  if (kind === 'model') return [['The model', { page: 'model', model: name }]]
  if (kind === 'version') {
    // 'late 3', or facts that say it.
    const [, model, version] = /^(.+?)[ /@v]*(\d+)$/.exec(name) ?? []
    if (model !== undefined && version !== undefined)
      return [
        [
          'The version',
          { page: 'version', model: facts.find((fact) => fact.name === 'model')?.value ?? model, version },
        ],
      ]
  }
  if (kind === 'feature') return [['What hangs on it', { page: 'lineage', of: 'feature', value: name }]]
  if (kind === 'column') return [['What hangs on it', { page: 'lineage', of: 'column', value: name }]]
  return []
}

interface NodeProps {
  readonly placed: Placed
  readonly lineage: Lineage
  readonly near: boolean
  readonly selected: boolean
  readonly onPoint: (id: string | null) => void
  readonly onSelect: (id: string | null) => void
}

function NodeButton({ placed: { node }, lineage, near, selected, onPoint, onSelect }: NodeProps) {
  const { id, kind, name, facts } = node
  // Of 'airline.late_rate_30d' the end is what tells it from the others.
  const dot = kind === 'feature' || kind === 'column' ? name.indexOf('.') : -1
  const [owner, short] = dot < 0 ? [null, name] : [name.slice(0, dot), name.slice(dot + 1)]
  return (
    <button
      type="button"
      id={elementId(id)}
      className={`node ${kind}${near ? ' near' : ''}`}
      style={{ height: nodeHeight }}
      aria-pressed={selected}
      onClick={() => onSelect(selected ? null : id)}
      onKeyDown={(event) => move(event, id, lineage)}
      onPointerEnter={() => onPoint(id)}
      onPointerLeave={() => onPoint(null)}
      onFocus={() => onPoint(id)}
      onBlur={() => onPoint(null)}
    >
      <span className="name" title={name}>
        {short}
      </span>
      <span className="about">
        {owner === null ? kind : `${kind} of ${owner}`}
        {owner === null && facts[0] !== undefined && (
          <span title={facts[0].value}>{`, ${facts[0].name} ${facts[0].value}`}</span>
        )}
      </span>
    </button>
  )
}

/** Left and right along a line, up and down through the list. */
function move(event: KeyboardEvent<HTMLButtonElement>, id: string, { edges }: Lineage): void {
  const item = event.currentTarget.closest('li')
  const neighbour =
    event.key === 'ArrowLeft'
      ? edges.find(({ to }) => to === id)?.from
      : event.key === 'ArrowRight'
        ? edges.find(({ from }) => from === id)?.to
        : undefined
  const target =
    event.key === 'ArrowDown'
      ? item?.nextElementSibling?.querySelector('button')
      : event.key === 'ArrowUp'
        ? item?.previousElementSibling?.querySelector('button')
        : neighbour === undefined
          ? null
          : document.getElementById(elementId(neighbour))
  if (target == null) return
  event.preventDefault()
  target.focus()
}
