/**
 * The profiles of a batch, or of a part of it: of each output and entry of the vector over all rows, and of each output by segment. Made while
 * rows are scored, merged over partitions, kept as JSON: from them come the gate, the priors for unknown keys, and later comparisons.
 */
import type { Batch } from '../definition/batch.ts'
import { typeOf } from '../expression/node.ts'
import type { ColumnProfile, ProfileJson } from '../statistics/sketches/profile.ts'
import { mergeProfile, NumberProfile, profileFrom, TextProfile } from '../statistics/sketches/profile.ts'

export interface ProfileSet<P> {
  readonly rows: number
  /** Rows of which an output is missing or not finite, by output. */
  readonly missing: { readonly [output: string]: number }
  readonly outputs: { readonly [output: string]: P }
  readonly entries: { readonly [entry: string]: P }
  /** 'carrier', then 'UA': at most a thousand values of a segment, the others together under ''. */
  readonly segments: { readonly [segment: string]: { readonly [value: string]: SegmentProfile<P> } }
  /** By output: what answers where a key is unknown. By the value of `unknown.segment`. */
  readonly unknown: { readonly [value: string]: SegmentProfile<P> }
}
export interface SegmentProfile<P> {
  readonly rows: number
  readonly outputs: { readonly [output: string]: P }
}

/** Values of a segment beyond so many are counted together. */
export const segmentValuesMost = 1_000

export class Segments {
  readonly #batch: Batch
  readonly values: Map<string, { rows: number; outputs: { readonly [output: string]: ColumnProfile } }> = new Map()

  constructor(batch: Batch) {
    this.#batch = batch
  }

  of(value: string) {
    const found = this.values.get(value)
    if (found !== undefined) return found
    const name = this.values.size < segmentValuesMost ? value : ''
    const known = this.values.get(name)
    if (known !== undefined) return known
    const made = { rows: 0, outputs: profilesOfOutputs(this.#batch) }
    this.values.set(name, made)
    return made
  }

  toJSON() {
    return Object.fromEntries([...this.values].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

/** Vectors of numbers have no profile: what they mean, nobody has said. */
export const profilesOfOutputs = ({ model }: Batch): { readonly [output: string]: ColumnProfile } =>
  Object.fromEntries(
    Object.entries(model.output).flatMap(([name, kind]) =>
      typeof kind === 'object' && 'vector' in kind
        ? []
        : [[name, typeof kind === 'object' ? new TextProfile() : new NumberProfile()] as const],
    ),
  )

/** What is filled row by row, and merged part by part. */
export class Profiles {
  rows = 0
  readonly missing: { [output: string]: number }
  readonly outputs: { readonly [output: string]: ColumnProfile }
  readonly entries: { readonly [entry: string]: ColumnProfile }
  readonly segments: { readonly [segment: string]: Segments }
  readonly unknown: Segments

  constructor(batch: Batch) {
    const { model } = batch
    this.missing = Object.fromEntries(Object.keys(model.output).map((name) => [name, 0]))
    this.outputs = profilesOfOutputs(batch)
    this.entries = Object.fromEntries(
      Object.entries(model.vector).map(([name, node]) => [
        name,
        typeOf(node) === 'string' ? new TextProfile() : new NumberProfile(),
      ]),
    )
    this.segments = Object.fromEntries(Object.keys(batch.segments).map((name) => [name, new Segments(batch)]))
    this.unknown = new Segments(batch)
  }

  toJSON(): ProfileSet<ColumnProfile> {
    const { rows, missing, outputs, entries, segments, unknown } = this
    const shown = Object.entries(segments).map(([name, of]) => [name, of.toJSON()] as const)
    return { rows, missing, outputs, entries, segments: Object.fromEntries(shown), unknown: unknown.toJSON() }
  }
}

type Read = ProfileSet<ProfileJson>

/** Of the parts of a run, in their order. */
export function mergeProfiles(batch: Batch, parts: readonly unknown[]): Profiles {
  const all = new Profiles(batch)
  for (const part of parts as readonly Read[]) {
    all.rows += part.rows
    for (const [name, count] of Object.entries(part.missing)) all.missing[name] = (all.missing[name] ?? 0) + count
    mergeInto(all.outputs, part.outputs)
    mergeInto(all.entries, part.entries)
    for (const [segment, values] of Object.entries(part.segments)) mergeSegments(all.segments[segment], values)
    mergeSegments(all.unknown, part.unknown)
  }
  return all
}

function mergeInto(
  all: { readonly [name: string]: ColumnProfile },
  part: { readonly [name: string]: ProfileJson },
): void {
  for (const [name, json] of Object.entries(part))
    if (all[name] !== undefined) mergeProfile(all[name], profileFrom(json))
}

function mergeSegments(
  all: Segments | undefined,
  part: { readonly [value: string]: SegmentProfile<ProfileJson> },
): void {
  for (const [value, { rows, outputs }] of Object.entries(part)) {
    const into = all?.of(value)
    if (into === undefined) continue
    into.rows += rows
    mergeInto(into.outputs, outputs)
  }
}

/** As it was kept, of whatever definition it was made by. */
export function profilesFrom(kept: unknown): ProfileSet<ColumnProfile> {
  const { rows, missing, outputs, entries, segments, unknown } = kept as Read
  const all = (profiles: { readonly [name: string]: ProfileJson }): { readonly [name: string]: ColumnProfile } =>
    Object.fromEntries(Object.entries(profiles).map(([name, json]) => [name, profileFrom(json)]))
  const within = (values: { readonly [value: string]: SegmentProfile<ProfileJson> }) =>
    Object.fromEntries(
      Object.entries(values).map(([value, of]) => [value, { rows: of.rows, outputs: all(of.outputs) }]),
    )
  return {
    rows,
    missing,
    outputs: all(outputs),
    entries: all(entries),
    segments: Object.fromEntries(Object.entries(segments).map(([name, values]) => [name, within(values)])),
    unknown: within(unknown),
  }
}
