import { expect, test } from 'vitest'
import type { LineageNode } from '../data/registry.ts'
import { nodeHeight, nodeWidth, placed } from './place.ts'

const node = (id: string): LineageNode => ({ id, kind: 'view', name: id, facts: [] })
const edge = (from: string, to: string) => ({ from, to, label: null })

test('what comes from something stands to its right, and nothing covers anything', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const edges = [edge('a', 'c'), edge('b', 'c'), edge('c', 'd'), edge('a', 'd'), edge('d', 'e')]
  const { nodes, width, height } = placed({ nodes: names.map(node), edges })
  const at = new Map(nodes.map((one) => [one.node.id, one]))
  for (const { from, to } of edges) expect(at.get(to)!.x).toBeGreaterThanOrEqual(at.get(from)!.x + nodeWidth)
  for (const a of nodes)
    for (const b of nodes)
      if (a !== b) expect(Math.abs(a.x - b.x) >= nodeWidth || Math.abs(a.y - b.y) >= nodeHeight).toBe(true)
  for (const { x, y } of nodes) {
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
    expect(x + nodeWidth <= width && y + nodeHeight <= height).toBe(true)
  }
})

test('edges to what is not there, and to itself, are left out', () => {
  expect(placed({ nodes: [node('a')], edges: [edge('a', 'gone'), edge('a', 'a')] }).edges).toEqual([])
  expect(placed({ nodes: [], edges: [] })).toEqual({ width: 2, height: 2, nodes: [], edges: [] })
})
