/** The platform as nodes and edges, for whoever draws it; with what a reader may ask of each. */
import type { Batch } from '../definition/batch.ts'
import type { Entity } from '../definition/entity.ts'
import type { Field } from '../definition/field.ts'
import { shapeOf } from '../definition/field.ts'
import type { Gate } from '../definition/gate.ts'
import { gatedStages } from '../definition/gate.ts'
import type { Definition, Platform } from '../definition/graph.ts'
import { gateOf, trainingOf } from '../definition/graph.ts'
import type { Model, Output } from '../definition/model.ts'
import { requestOf, viewsOf } from '../definition/model.ts'
import type { Source } from '../definition/source.ts'
import type { Training } from '../definition/training.ts'
import type { AnyView } from '../definition/view.ts'
import { equalityOf } from '../expression/equality.ts'
import type { Node } from '../expression/node.ts'
import { typeOf } from '../expression/node.ts'
import { isNullable } from '../expression/nullable.ts'
import { textOf } from '../expression/text.ts'
import type { Graph, GraphNode, Member } from './answers.ts'

export function graphOf(platform: Platform): Graph {
  const definitions = Object.values(platform.definitions).filter(isNode)
  return {
    nodes: definitions.map((definition) => ({
      id: idOf(definition),
      kind: definition.kind,
      name: definition.name,
      description: definition.kind === 'view' ? definition.basis.description : definition.description,
      ...contentsOf(definition, platform),
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

/** What stands beside a model is told with it. */
type Drawn = Exclude<Definition, Gate | Training | Batch>
const isNode = (definition: Definition): definition is Drawn =>
  definition.kind !== 'gate' && definition.kind !== 'training' && definition.kind !== 'batch'

const idOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind} ${name}`

type Contents = Pick<GraphNode, 'facts' | 'parts'>

function contentsOf(definition: Drawn, platform: Platform): Contents {
  switch (definition.kind) {
    case 'entity':
      return ofEntity(definition)
    case 'source':
      return ofSource(definition)
    case 'view':
      return ofView(definition)
    case 'model':
      return ofModel(definition, gateOf(platform, definition), trainingOf(platform, definition))
  }
}

const ofEntity = ({ key }: Entity): Contents => ({
  facts: [],
  parts: [
    {
      title: 'Key',
      members: Object.entries(key).map(([name, type]) => ({ name, type, text: null, equality: null })),
    },
  ],
})

function ofSource({ fields, time, known, id, remember, sequence, asOf, history, stream }: Source): Contents {
  return {
    facts: facts({
      'Event time': time,
      Known: known === null ? 'at once' : 'after' in known ? `after ${known.after}` : `at ${known.at}`,
      Id: id === null ? null : `${id}, remembered for ${remember}`,
      Sequence: sequence,
      'As of': asOf === 'inclusive' ? 'a row is seen at its own instant' : null,
      History: history === null ? null : history.path,
      Stream: stream === null ? null : `topic ${stream.name}`,
    }),
    parts: [{ title: 'Fields', members: Object.entries(fields).map(fieldMember) }],
  }
}

function ofView({ basis: { entity, source, on, ttl, features } }: AnyView): Contents {
  const parts = Object.entries(on).map(([part, column]) => (part === column ? part : `${part} from ${column}`))
  return {
    facts: facts({
      Entity: `${entity.name} (${parts.join(', ')})`,
      Source: source.name,
      'Time to live': ttl,
    }),
    parts: [
      { title: 'Features', members: Object.entries(features).map(([name, { node }]) => computed(name, node, true)) },
    ],
  }
}

function ofModel({ inputs, key, vector, output, fallback }: Model, gate: Gate, training: Training | null): Contents {
  const request = Object.entries(requestOf(inputs))
  return {
    facts: facts({
      'Asked with': [...Object.keys(key), ...request.map(([name]) => name)].join(', '),
      Reads: viewsOf(inputs)
        .map(([group, { name }]) => (group === name ? name : `${group} (${name})`))
        .join(', '),
      Invariants: Object.keys(gate.invariants).join(', '),
      'Held-out data': gate.heldOut === null ? null : gate.heldOut.data.path,
      Approvals: gatedStages
        .filter((stage) => gate.approvals[stage] > 0)
        .map((stage) => `${gate.approvals[stage]} for ${stage}`)
        .join(', '),
      'Trained by': training === null ? null : training.command.join(' '),
      'Trained on': training === null ? null : training.labels.path,
    }),
    parts: [
      {
        title: 'Outputs',
        members: Object.entries(output).map(([name, kind]) => ({
          name,
          type: typeOfOutput(kind),
          text: `or else ${textOfFallback(fallback[name]!)}`,
          equality: null,
        })),
      },
      { title: 'Request', members: request.map(fieldMember) },
      { title: 'Vector', members: Object.entries(vector).map(([name, node]) => computed(name, node, false)) },
    ].filter(({ members }) => members.length > 0),
  }
}

const facts = (given: { readonly [name: string]: string | null }): GraphNode['facts'] =>
  Object.entries(given).flatMap(([name, value]) => (value === null || value === '' ? [] : [{ name, value }]))

/** The engines agree on what goes into a view; a vector is computed in one place only. */
const computed = (name: string, node: Node, inEveryEngine: boolean): Member => ({
  name,
  type: `${typeOf(node)}${isNullable(node) ? '?' : ''}`,
  text: textOf(node),
  equality: inEveryEngine ? equalityOf(node) : null,
})

function fieldMember([name, field]: readonly [string, Field]): Member {
  const { type, nullable, range, oneOf } = shapeOf(name, field)
  const limits = range !== null ? `${range[0]} to ${range[1]}` : oneOf !== null ? `one of ${oneOf.join(', ')}` : null
  return { name, type: `${type}${nullable ? '?' : ''}`, text: limits, equality: null }
}

const typeOfOutput = (kind: Output): string =>
  typeof kind === 'string' ? kind : 'label' in kind ? `one of ${kind.label.join(', ')}` : `${kind.vector} numbers`

const textOfFallback = (fallback: Node | readonly number[]): string =>
  'kind' in fallback ? textOf(fallback) : `[${fallback.join(', ')}]`
