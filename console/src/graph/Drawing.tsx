/** The graph, drawn: buttons in three lists, and the edges between them. What the pointer or the keyboard is on shows its reach. */
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Graph, Status } from '../data/wire.ts'
import { columns, layoutOf } from './layout.ts'
import { NodeButton } from './NodeButton.tsx'
import { reachOf } from './reach.ts'

interface Props {
  readonly graph: Graph
  readonly status: Status
  readonly selected: string | null
  readonly onSelect: (id: string | null) => void
}

const titles = { source: 'Sources', view: 'Views', model: 'Models' } as const
const headRoom = 28
/** Below it, where a scrollbar may be. */
const rim = 16
const mostHeight = 640

export function Drawing({ graph, status, selected, onSelect }: Props) {
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const [pointed, setPointed] = useState<string | null>(null)
  // How high it is does not depend on the width: there is room for it before the width is known.
  const layout = useMemo(() => layoutOf(graph, width), [graph, width])
  const active = pointed ?? selected
  const reach = useMemo(() => (active === null ? null : reachOf(graph, active)), [graph, active])
  const near = (id: string): boolean =>
    reach !== null && (id === active || reach.upstream.has(id) || reach.downstream.has(id))
  return (
    <div className="drawing" ref={frame} style={{ height: Math.min(mostHeight, layout.height + headRoom + rim) }}>
      {width > 0 && (
        <div
          className={active === null ? 'graph' : 'graph looking'}
          style={{ width: layout.width, height: layout.height + headRoom }}
        >
          <svg width={layout.width} height={layout.height} style={{ top: headRoom }} aria-hidden="true">
            {[...layout.edges]
              // What is lit is drawn last, on top.
              .sort((a, b) => Number(near(a.from) && near(a.to)) - Number(near(b.from) && near(b.to)))
              .map(({ from, to, path }) => (
                <path
                  key={`${from} ${to}`}
                  data-from={from}
                  data-to={to}
                  d={path}
                  className={near(from) && near(to) ? 'near' : undefined}
                />
              ))}
          </svg>
          {columns.map((kind, i) => (
            <div key={kind} className={`column ${kind}`}>
              <h3 id={`column-${kind}`} style={{ left: layout.columnX[i]!, width: layout.nodeWidth }}>
                {titles[kind]}
              </h3>
              <ul aria-labelledby={`column-${kind}`}>
                {layout.nodes
                  .filter(({ node }) => node.kind === kind)
                  .map((placed) => (
                    <li
                      key={placed.node.id}
                      style={{ left: placed.x, top: placed.y + headRoom, width: layout.nodeWidth }}
                    >
                      <NodeButton
                        placed={placed}
                        graph={graph}
                        status={status}
                        near={near(placed.node.id)}
                        selected={placed.node.id === selected}
                        onPoint={setPointed}
                        onSelect={onSelect}
                      />
                    </li>
                  ))}
              </ul>
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (element.current === null) return
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    watcher.observe(element.current)
    return () => watcher.disconnect()
  }, [element])
  return width
}
