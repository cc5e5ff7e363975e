import { expect, test } from 'vitest'
import type { Graph, GraphNode } from '../data/wire.ts'
import { layoutOf, nodeHeight } from './layout.ts'
import { reachOf } from './reach.ts'

const node = (id: string): GraphNode => ({
  id,
  kind: id.split(' ')[0] as GraphNode['kind'],
  name: id.split(' ')[1]!,
  description: null,
  facts: [],
  parts: [],
})
const graph: Graph = {
  nodes: ['entity e', 'source a', 'source b', 'source lonely', 'view v', 'view w', 'model m', 'model bare'].map(node),
  edges: [
    ['source a', 'view v'],
    ['entity e', 'view v'],
    ['source b', 'view w'],
    ['entity e', 'view w'],
    ['view v', 'model m'],
  ].map(([from, to]) => ({ from: from!, to: to!, label: null })),
}

test('every definition stands in the column of its kind, and none upon another', () => {
  const { nodes, columnX, edges, width, nodeWidth } = layoutOf(graph, 1000)
  for (const { node, x } of nodes) expect(x).toBe(columnX[['source', 'view', 'model'].indexOf(node.kind)])
  for (const one of nodes)
    for (const other of nodes)
      if (one !== other && one.x === other.x) expect(Math.abs(one.y - other.y)).toBeGreaterThanOrEqual(nodeHeight)
  expect(Math.min(...nodes.map(({ y }) => y))).toBe(0)
  expect(width).toBe(columnX[2]! + nodeWidth)
  expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual(['source a view v', 'source b view w', 'view v model m'])
  expect(nodes.find(({ node }) => node.name === 'v')!.entity).toBe('e')
})

test('where there is little room, nodes stay legible and the drawing is wider than the room', () => {
  expect(layoutOf(graph, 320).nodeWidth).toBeGreaterThanOrEqual(180)
  expect(layoutOf(graph, 320).width).toBeGreaterThan(320)
})

test('reach goes all the way, in both directions', () => {
  expect([...reachOf(graph, 'model m').upstream].sort()).toEqual(['entity e', 'source a', 'view v'])
  expect([...reachOf(graph, 'source a').downstream].sort()).toEqual(['model m', 'view v'])
  expect(reachOf(graph, 'source lonely')).toEqual({ upstream: new Set(), downstream: new Set() })
})
