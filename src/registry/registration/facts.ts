/** The seven facts of a version: what the definition, the file and whoever registers it tell together, and what is missing. */
import { describe, hashOfDefinition } from '../../definition/describe.ts'
import type { Field } from '../../definition/field.ts'
import { shapeOf } from '../../definition/field.ts'
import type { FactName } from '../../definition/gate.ts'
import type { Model } from '../../definition/model.ts'
import { isView, requestOf, viewsOf } from '../../definition/model.ts'
import type { Node } from '../../expression/node.ts'
import { typeOf, walk } from '../../expression/node.ts'
import { isNullable } from '../../expression/nullable.ts'
import { textOf } from '../../expression/text.ts'
import { hashOf } from '../../kernel/hash.ts'
import type { Inspection } from '../../ports/model-runtime.ts'
import type { Facts, SchemaEntry, VersionFile } from '../../ports/registry-store.ts'

export interface FactSources {
  /** Null of a model that no platform defines. */
  readonly model: Model | null
  /** Null where there is no file that can be served. */
  readonly inspection: Inspection | null
  readonly entry: VersionFile | null
  readonly flavor: string | null
  /** What whoever registers it knows. */
  readonly given: Partial<Facts>
}

/** What was looked at counts before what was said: a file's own opset is not a matter of opinion. */
export function factsOf({ model, inspection, entry, flavor, given }: FactSources): Facts {
  return plain({
    artifact:
      entry === null
        ? (given.artifact ?? null)
        : { format: inspection?.format ?? flavor ?? 'file', sha256: entry.sha256, bytes: entry.bytes },
    schema: schemaOf(model, inspection) ?? given.schema ?? null,
    preprocessing: model === null ? (given.preprocessing ?? null) : preprocessingOf(model),
    data: given.data ?? null,
    configuration: given.configuration ?? null,
    evaluation: given.evaluation ?? [],
    dependencies: dependenciesOf(inspection, given.dependencies ?? null),
  })
}

/** What a version is: its files and what it can say of itself, and nothing of when or by whom. */
export const manifestOf = (files: readonly VersionFile[], entry: string | null, facts: Facts): string =>
  hashOf({ files: sorted(files), entry, facts })

export const sorted = (files: readonly VersionFile[]): readonly VersionFile[] =>
  files
    .map(({ path, sha256, bytes }) => ({ path, sha256, bytes }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))

/** As it is after it was stored: without members that have no value. */
const plain = (facts: Facts): Facts => JSON.parse(JSON.stringify(facts)) as Facts

// --- of the definition

function schemaOf(model: Model | null, inspection: Inspection | null): Facts['schema'] {
  if (model !== null)
    return {
      entries: Object.entries(model.vector).map(([name, node]) => entryOf(model, name, node)),
      outputs: Object.entries(model.output).map(([name, kind]) => ({
        name,
        type:
          typeof kind === 'string'
            ? kind
            : 'label' in kind
              ? `label(${kind.label.join(', ')})`
              : `vector(${kind.vector})`,
      })),
    }
  if (inspection === null) return null
  return {
    entries: inspection.inputs.map(({ name, type, shape }) => ({
      name,
      type: `${type}[${shape.map((size) => (size < 0 ? '?' : size)).join(',')}]`,
      nullable: false,
      range: null,
      reads: [],
      views: {},
    })),
    outputs: inspection.outputs.map(({ name, type }) => ({ name, type })),
  }
}

function entryOf(model: Model, name: string, node: Node): SchemaEntry {
  const reads = new Set<string>()
  const views: Record<string, string> = {}
  const known = new Map(viewsOf(model.inputs))
  for (const part of walk(node)) {
    if (part.kind === 'moment') reads.add('moment')
    if (part.kind !== 'input') continue
    const view = known.get(part.group)
    reads.add(`${view?.name ?? part.group}.${part.name}`)
    if (view !== undefined) views[view.name] = hashOfDefinition(view)
  }
  return {
    name,
    type: typeOf(node),
    nullable: isNullable(node),
    range: rangeOf(model, node),
    reads: [...reads].sort(),
    views,
  }
}

type Range = readonly [low: number, high: number]
/** Aggregates whose value lies where the values lie that they are made of. */
const within: readonly string[] = ['min', 'max', 'mean', 'first', 'last', 'quantile']

/** Between which values an entry lies, where the definition says it of the field that it is. */
function rangeOf(model: Model, root: Node): Range | null {
  const views = new Map(viewsOf(model.inputs))
  const ofField = (fields: { readonly [name: string]: Field }, name: string): Range | null =>
    Object.hasOwn(fields, name) ? shapeOf(name, fields[name]!).range : null
  const find = (node: Node, fields: { readonly [name: string]: Field }): Range | null => {
    switch (node.kind) {
      case 'literal':
        return typeof node.value === 'number' ? [node.value, node.value] : null
      case 'column':
        return ofField(fields, node.name)
      case 'input': {
        const view = views.get(node.group)
        if (view === undefined) return node.group === 'request' ? ofField(requestOf(model.inputs), node.name) : null
        const feature = view.features[node.name]
        return feature === undefined ? null : find(feature.node, view.basis.source.fields)
      }
      case 'window':
        return find(node.aggregate, fields)
      case 'aggregate':
        return node.of !== null && within.includes(node.function) ? find(node.of, fields) : null
      case 'call': {
        if (node.function === 'toFloat') return find(node.arguments[0]!, fields)
        if (node.function !== 'orElse') return null
        const ranges = node.arguments.map((argument) => find(argument, fields))
        return ranges.some((range) => range === null)
          ? null
          : [Math.min(...ranges.map((range) => range![0])), Math.max(...ranges.map((range) => range![1]))]
      }
      default:
        return null
    }
  }
  return find(root, {})
}

const preprocessingOf = (model: Model): Facts['preprocessing'] => ({
  hash: hashOfDefinition(model),
  graph: describe(model),
  source: Object.fromEntries(Object.entries(model.vector).map(([name, node]) => [name, textOf(node)])),
})

/** The hashes of the views that a model reads, by name. */
export const viewsRead = (model: Model): { readonly [view: string]: string } =>
  Object.fromEntries(
    Object.values(model.inputs)
      .filter(isView)
      .map((view) => [view.name, hashOfDefinition(view)]),
  )

// --- of the file

/** Releases of onnxruntime that are known to have an operator set. Each runs all sets before its own; of newer sets nothing is said. */
const runtimes: readonly (readonly [opset: number, runtime: string])[] = [
  [11, '1.2'],
  [12, '1.3'],
  [13, '1.7'],
  [14, '1.8'],
  [15, '1.10'],
  [16, '1.12'],
  [17, '1.13'],
  [18, '1.14'],
  [19, '1.15'],
  [20, '1.17'],
  [21, '1.18'],
  [22, '1.21'],
  [23, '1.23'],
]
const runtimeFor = (opset: number): string | null => {
  const first = runtimes.find(([known]) => known >= opset)
  return first === undefined ? null : `>=${first[1]}`
}

function dependenciesOf(inspection: Inspection | null, given: Facts['dependencies']): Facts['dependencies'] {
  if (inspection === null) return given
  const { format, opset, ir, domains, producer } = inspection
  return {
    opset,
    ir,
    domains,
    // What a model on another server needs is that server.
    runtime: format === 'remote' ? producer : opset === null ? (given?.runtime ?? null) : runtimeFor(opset),
    packages: given?.packages ?? [],
    language: given?.language ?? null,
  }
}

// --- what is missing

interface Part<F extends FactName> {
  readonly name: string
  /** A requirement of the fact asks for it. The others are named, and hinder nothing. */
  readonly essential: boolean
  readonly there: (fact: NonNullable<Facts[F]>) => boolean
}
const part = <F extends FactName>(
  name: string,
  there: (fact: NonNullable<Facts[F]>) => boolean,
  essential = true,
): Part<F> => ({ name, there, essential })

const parts: { readonly [F in FactName]: readonly Part<F>[] } = {
  artifact: [],
  schema: [],
  preprocessing: [],
  data: [
    part('hash', ({ hash }) => hash !== null),
    part('rows', ({ rows }) => rows !== null),
    part('time span', ({ from, to }) => from !== null && to !== null, false),
    part('query', ({ query }) => query !== null, false),
  ],
  configuration: [
    part('parameters', ({ parameters }) => Object.keys(parameters).length > 0),
    part('seeds', ({ seeds }) => Object.keys(seeds).length > 0),
    part('command', ({ command }) => command !== null, false),
    part('commit', ({ commit }) => commit !== null, false),
    part('hardware', ({ hardware }) => hardware !== null, false),
  ],
  evaluation: [
    part('data', (all) => all.every(({ data }) => data !== null)),
    part('intervals', (all) => all.every(({ low, high }) => low !== null && high !== null), false),
    part('slices', (all) => all.some(({ slice }) => slice !== null), false),
  ],
  dependencies: [
    part('opset', ({ opset }) => opset !== null),
    part('runtime', ({ runtime }) => runtime !== null, false),
    part('packages', ({ packages }) => packages.length > 0, false),
  ],
}

/** 'data', 'configuration: seeds': in the order of the facts. */
export const missingFacts = (facts: Facts): readonly string[] =>
  (Object.keys(parts) as FactName[]).flatMap((name) => missingOf(name, facts, false))

/** What of one fact is missing; with `essential`, only what a requirement of it asks for. */
export function missingOf<F extends FactName>(name: F, facts: Facts, essential: boolean): readonly string[] {
  const fact = facts[name]
  if (fact === null || (Array.isArray(fact) && fact.length === 0)) return [name]
  // What is on another server has its own.
  const remote = facts.artifact?.format === 'remote'
  return parts[name]
    .filter((one) => !(remote && one.name === 'opset'))
    .filter((one) => (one.essential || !essential) && !one.there(fact as NonNullable<Facts[F]>))
    .map((one) => `${name}: ${one.name}`)
}
