/** Where the nodes of a lineage stand: dagre's layers, left to right, from the sources to what was answered. */
import { Graph as Layered, layout } from '@dagrejs/dagre'
import type { Lineage, LineageNode } from '../data/registry.ts'

export const [nodeWidth, nodeHeight] = [172, 46] as const

export interface Placed {
  readonly node: LineageNode
  readonly x: number
  readonly y: number
}
export interface Drawing {
  readonly width: number
  readonly height: number
  /** From left to right, then from the top down: the order in which they are reached. */
  readonly nodes: readonly Placed[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly path: string }[]
}

export function placed({ nodes, edges }: Pick<Lineage, 'nodes' | 'edges'>): Drawing {
  const graph = new Layered({ multigraph: false })
  graph.setGraph({ rankdir: 'LR', nodesep: 12, edgesep: 3, ranksep: 52, marginx: 2, marginy: 2 })
  graph.setDefaultEdgeLabel(() => ({}))
  const known = new Set(nodes.map(({ id }) => id))
  for (const { id } of nodes) graph.setNode(id, { width: nodeWidth, height: nodeHeight })
  const drawn = edges.filter(({ from, to }) => known.has(from) && known.has(to) && from !== to)
  for (const { from, to } of drawn) graph.setEdge(from, to)
  if (nodes.length > 0) layout(graph)
  const at = new Map(
    nodes.map((node) => {
      const { x, y } = graph.node(node.id) as { readonly x: number; readonly y: number }
      return [node.id, { node, x: Math.round(x - nodeWidth / 2), y: Math.round(y - nodeHeight / 2) }]
    }),
  )
  const all = [...at.values()]
  return {
    width: Math.max(0, ...all.map(({ x }) => x + nodeWidth)) + 2,
    height: Math.max(0, ...all.map(({ y }) => y + nodeHeight)) + 2,
    nodes: all.sort((a, b) => a.x - b.x || a.y - b.y),
    edges: drawn.map(({ from, to }) => ({ from, to, path: pathOf(at.get(from)!, at.get(to)!) })),
  }
}

function pathOf(from: Placed, to: Placed): string {
  const [x1, y1, x2, y2] = [from.x + nodeWidth, from.y + nodeHeight / 2, to.x, to.y + nodeHeight / 2]
  const bend = Math.max(20, (x2 - x1) / 2)
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}
