/** A graph in the making: what is added twice is there once. Edges go the way data goes. */
import type { Lineage, LineageNode } from '../registry.ts'

export interface Drawing {
  /** Gives the id. Facts whose value is null are left out. */
  node(
    kind: LineageNode['kind'],
    key: string,
    name: string,
    facts?: { readonly [name: string]: string | number | null },
  ): string
  edge(from: string, to: string, label?: string | null): void
  done(says: readonly string[]): Lineage
}

export function drawing(): Drawing {
  const nodes = new Map<string, LineageNode>()
  const edges = new Map<string, Lineage['edges'][number]>()
  return {
    node: (kind, key, name, facts = {}) => {
      const id = `${kind}:${key}`
      if (!nodes.has(id))
        nodes.set(id, {
          id,
          kind,
          name,
          facts: Object.entries(facts).flatMap(([title, value]) =>
            value === null ? [] : [{ name: title, value: String(value) }],
          ),
        })
      return id
    },
    edge: (from, to, label = null) => {
      edges.set(`${from} ${to} ${label ?? ''}`, { from, to, label })
    },
    done: (says) => ({ nodes: [...nodes.values()], edges: [...edges.values()], says }),
  }
}

/** 'a', 'a and b', 'a, b and 3 more'. */
export function listed(names: readonly string[], most = 6): string {
  if (names.length > most) return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

export const plural = (n: number, one: string, several = `${one}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : several}`
