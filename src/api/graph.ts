/** The platform as nodes and edges, for whoever draws it. */
import { shapesOf } from '../definition/field.ts'
import type { Definition, Platform } from '../definition/graph.ts'
import { isView, requestOf, viewsOf } from '../definition/model.ts'
import type { Node } from '../expression/node.ts'
import { typeOf, walk } from '../expression/node.ts'
import type { Graph } from './answers.ts'

export function graphOf(platform: Platform): Graph {
  const definitions = Object.values(platform.definitions)
  return {
    nodes: definitions.map((definition) => ({
      id: idOf(definition),
      kind: definition.kind,
      name: definition.name,
      description: definition.kind === 'view' ? definition.basis.description : definition.description,
      members: membersOf(definition),
    })),
    edges: definitions.flatMap((definition) => {
      if (definition.kind === 'view')
        return [definition.basis.source, definition.basis.entity].map((from) => ({
          from: idOf(from),
          to: idOf(definition),
          label: null,
        }))
      if (definition.kind !== 'model') return []
      return viewsOf(definition.inputs).map(([group, view]) => ({
        from: `view ${view.name}`,
        to: idOf(definition),
        label: group === view.name ? null : group,
      }))
    }),
  }
}

const idOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind} ${name}`

function membersOf(definition: Definition): readonly { readonly name: string; readonly detail: string }[] {
  switch (definition.kind) {
    case 'entity':
      return Object.entries(definition.key).map(([name, type]) => ({ name, detail: type }))
    case 'source':
      return shapesOf(definition.fields).map(({ name, type, nullable }) => ({
        name,
        detail: `${type}${nullable ? '?' : ''}${name === definition.time ? ', event time' : ''}`,
      }))
    case 'view':
      return Object.entries(definition.basis.features).map(([name, { node }]) => ({
        name,
        detail: describeFeature(node),
      }))
    case 'model':
      return [
        ...Object.entries(requestOf(definition.inputs)).map(([name, field]) => ({
          name: `request.${name}`,
          detail: typeof field === 'string' ? field : field.type,
        })),
        ...Object.entries(definition.inputs)
          .filter(([, input]) => isView(input))
          .map(([group, input]) => ({
            name: group,
            detail: Object.keys((input as { features: object }).features).join(', '),
          })),
        ...Object.entries(definition.output).map(([name, kind]) => ({
          name,
          detail: typeof kind === 'string' ? kind : 'label' in kind ? kind.label.join(' | ') : `${kind.vector} numbers`,
        })),
      ]
  }
}

/** `mean over 3h`, or the windows of a longer expression. */
function describeFeature(root: Node): string {
  const windows = [...walk(root)]
    .filter((node) => node.kind === 'window')
    .map(({ aggregate, length }) => `${aggregate.function} ${length === 'ever' ? 'ever' : `over ${length}`}`)
  return `${[...new Set(windows)].join(', ')}: ${typeOf(root)}`
}
