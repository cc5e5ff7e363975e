/**
 * Where the definitions stand: sources, views and models in three columns, left to right. dagre orders each column so that few edges
 * cross; the columns share the width there is. Entities are no nodes here: they are said of their views.
 */
import { Graph as Layered, layout } from '@dagrejs/dagre'
import type { Graph, GraphNode } from '../data/wire.ts'

export const columns = ['source', 'view', 'model'] as const
export type Column = (typeof columns)[number]

export interface Placed {
  readonly node: GraphNode
  readonly entity: string | null
  /** Of the left upper corner. */
  readonly x: number
  readonly y: number
}
export interface Drawn {
  readonly from: string
  readonly to: string
  readonly path: string
}
export interface Layout {
  readonly width: number
  readonly height: number
  readonly nodeWidth: number
  /** Where each column begins. */
  readonly columnX: readonly number[]
  readonly nodes: readonly Placed[]
  readonly edges: readonly Drawn[]
}

/** The id of a definition's button in the page. */
export const elementId = (id: string): string => `definition-${id.replace(' ', '-')}`

export const nodeHeight = 54
const between = 14

export function layoutOf({ nodes, edges }: Graph, available: number): Layout {
  const shown = nodes.filter(({ kind }) => kind !== 'entity')
  const drawn = edges.filter(({ from }) => !from.startsWith('entity '))
  const nodeWidth = Math.round(Math.min(272, Math.max(184, available * 0.25)))
  const gap = Math.min(200, Math.max(56, (available - 3 * nodeWidth) / 2))
  const columnX = columns.map((_, i) => i * (nodeWidth + gap))
  const middles = middlesOf(shown, drawn)
  const top = Math.min(...middles.values()) - nodeHeight / 2

  const placed = columns.flatMap((kind, column) =>
    shown
      .filter((node) => node.kind === kind)
      .map((node) => ({
        node,
        entity: edges.find(({ from, to }) => to === node.id && from.startsWith('entity '))?.from.slice(7) ?? null,
        x: columnX[column]!,
        y: Math.round(middles.get(node.id)! - nodeHeight / 2 - top),
      }))
      .sort((a, b) => a.y - b.y),
  )
  const at = new Map(placed.map((one) => [one.node.id, one]))
  return {
    width: columnX[2]! + nodeWidth,
    height: Math.max(0, ...placed.map(({ y }) => y + nodeHeight)),
    nodeWidth,
    columnX,
    nodes: placed,
    edges: drawn.map(({ from, to }) => ({ from, to, path: pathOf(at.get(from)!, at.get(to)!, nodeWidth) })),
  }
}

/** The middle of each node, downwards. */
function middlesOf(nodes: readonly GraphNode[], edges: Graph['edges']): ReadonlyMap<string, number> {
  const graph = new Layered({ multigraph: false })
  graph.setGraph({ rankdir: 'LR', nodesep: between, ranksep: 80 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id } of nodes) graph.setNode(id, { width: 200, height: nodeHeight })
  for (const { from, to } of edges) graph.setEdge(from, to, { weight: 1, minlen: 1 })
  // A definition that nothing leads to would be taken for one of the first column: hold it in its own.
  const source = nodes.find(({ kind }) => kind === 'source')
  if (source !== undefined)
    for (const { id, kind } of nodes)
      if (kind === 'model' && !edges.some(({ to }) => to === id)) graph.setEdge(source.id, id, { weight: 0, minlen: 2 })
  layout(graph)
  return new Map(nodes.map(({ id }) => [id, (graph.node(id) as { readonly y: number }).y]))
}

function pathOf(from: Placed, to: Placed, nodeWidth: number): string {
  const [x1, y1, x2, y2] = [from.x + nodeWidth, from.y + nodeHeight / 2, to.x, to.y + nodeHeight / 2]
  const bend = (x2 - x1) / 2
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}
