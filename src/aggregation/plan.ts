/**
 * A view, made ready to run: what is computed from each event, which accumulators keep it in which tiles, and how a feature is
 * read from them. Made once for a view; everything that touches state (pushes, history, reads) works from the same plan.
 */

import { hashOfDefinition } from '../definition/describe.ts'
import type { FieldShape, FieldType } from '../definition/field.ts'
import { shapesOf } from '../definition/field.ts'
import type { AnyView } from '../definition/view.ts'
import type { Evaluate } from '../expression/functions/spec.ts'
import type { Node, Type } from '../expression/node.ts'
import { typeOf, walk } from '../expression/node.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import { durationMs } from '../kernel/duration.ts'
import { canonicalJson } from '../kernel/hash.ts'
import { Demands } from './demands.ts'
import type { Argument, Group, Reading, Unit } from './layout.ts'
import type { Visibility } from './visibility.ts'
import { visibilityOf } from './visibility.ts'
import type { PendingReading } from './window-values.ts'
import { readingOf } from './window-values.ts'

export interface ViewPlan {
  readonly view: AnyView
  /** The hash of the whole definition: the identity of the state. */
  readonly hash: string
  readonly visibility: Visibility
  readonly fields: readonly FieldShape[]
  readonly fieldTypes: readonly FieldType[]
  /** The positions in `fields` of the key's parts, in the order of their names. */
  readonly keyFields: readonly number[]
  readonly timeField: number
  readonly arrivalField: number | null
  readonly sequenceField: number | null
  /** Whether events carry their rows as bytes, to break ties. */
  readonly withRow: boolean
  readonly arguments: readonly Argument[]
  readonly evaluate: readonly Evaluate[]
  readonly groups: readonly Group[]
  readonly units: readonly Unit[]
  readonly scratchSlots: number
  readonly scratchRich: number
  readonly readings: readonly Reading[]
  readonly features: readonly PlannedFeature[]
}

export interface PlannedFeature {
  readonly name: string
  readonly type: Type
  /** Over the values of all readings, and the moment after them. */
  readonly evaluate: Evaluate
  /** The readings that it needs. */
  readonly readings: readonly number[]
  /** Whether it is its one reading and nothing more. */
  readonly bare: boolean
}

/** The plan of the whole view, also where `view` is a selection of it. */
export function planOf(view: AnyView): ViewPlan {
  const { source, features, ttl, on } = view.basis
  const fields = shapesOf(source.fields)
  const position = (name: string): number => fields.findIndex((field) => field.name === name)
  const withRow = source.sequence === null
  const demands = new Demands(withRow)

  const windows = new Map<string, number>()
  const readings: PendingReading[] = []
  for (const { node } of Object.values(features))
    for (const part of walk(node)) {
      if (part.kind !== 'window') continue
      const key = canonicalJson(part)
      if (windows.has(key)) continue
      windows.set(key, readings.length)
      readings.push(readingOf(part, ttl === null ? null : durationMs(ttl), demands))
    }

  const layout = demands.layout()
  const row = (leaf: Node): number => (leaf.kind === 'moment' ? readings.length : windows.get(canonicalJson(leaf))!)
  return {
    view,
    hash: hashOfDefinition(view),
    visibility: visibilityOf(source),
    fields,
    fieldTypes: fields.map(({ type }) => type),
    keyFields: Object.keys(view.basis.entity.key)
      .sort()
      .map((part) => position(on[part]!)),
    timeField: position(source.time),
    arrivalField: source.known !== null && 'at' in source.known ? position(source.known.at) : null,
    sequenceField: source.sequence === null ? null : position(source.sequence),
    withRow: withRow && layout.usesRow,
    arguments: demands.arguments,
    evaluate: demands.arguments.map(({ node }) => compile(node, (leaf) => position((leaf as Node<'column'>).name))),
    groups: layout.groups,
    units: layout.units,
    scratchSlots: layout.scratchSlots,
    scratchRich: layout.scratchRich,
    readings: readings.map(({ units, window, value }) => ({
      units: units.map((unit) => layout.unitOf(unit)),
      window,
      value: value(layout),
    })),
    features: Object.entries(features).map(([name, { node }]) => ({
      name,
      type: typeOf(node),
      evaluate: compile(node, row),
      bare: node.kind === 'window',
      readings: [...walk(node)].flatMap((part) => (part.kind === 'window' ? [windows.get(canonicalJson(part))!] : [])),
    })),
  }
}
