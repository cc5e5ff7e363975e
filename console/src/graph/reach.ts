/** What a definition is made of, and what is made of it, however far. */
import type { Graph } from '../data/wire.ts'

export interface Reach {
  readonly upstream: ReadonlySet<string>
  readonly downstream: ReadonlySet<string>
}

export const reachOf = ({ edges }: Graph, id: string): Reach => ({
  upstream: follow(id, (at) => edges.filter(({ to }) => to === at).map(({ from }) => from)),
  downstream: follow(id, (at) => edges.filter(({ from }) => from === at).map(({ to }) => to)),
})

function follow(start: string, next: (id: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const open = [...next(start)]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue
    found.add(id)
    open.push(...next(id))
  }
  return found
}
