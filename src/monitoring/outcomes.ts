/**
 * Outcomes: what really came, joined to what was predicted. An outcome goes into the log first, then into the index that says where
 * in the log the outcome of a prediction stands, together with the position in the log, in one update: so an acknowledged outcome
 * counts once, also when the process dies in between. Several servers may do this at once: of two outcomes of one prediction the
 * one that the index names counts, for all of them.
 */

import type { Platform } from '../definition/graph.ts'
import { modelNamed, modelsOf } from '../definition/graph.ts'
import type { Model, Output } from '../definition/model.ts'
import { decodePosition, encodePosition, patientRead } from '../features/index.ts'
import type { LoggedPrediction, PredictionReader } from '../inference/index.ts'
import { parseId } from '../inference/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { canonicalJson, hash32 } from '../kernel/hash.ts'
import type { Limits } from '../kernel/limits.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { Entry, EventLog } from '../ports/event-log.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import type { Place } from './outcome-keys.ts'
import { decodePlace, encodePlace, keysFor, samePlace } from './outcome-keys.ts'
import type { OutcomeValue, QualitySnapshot } from './quality.ts'
import { Quality } from './quality.ts'

export interface OutcomeInput {
  readonly id: string
  readonly outcome: { readonly [output: string]: OutcomeValue }
}

export interface OutcomeResult {
  readonly accepted: number
  /** The same outcome was recorded before. */
  readonly duplicates: number
  /** Of these the log holds no prediction. */
  readonly unknown: readonly string[]
  /** These have a different outcome already. */
  readonly conflicts: readonly string[]
}

/** An outcome as it lies in the log, with what it is joined to. */
export interface LoggedOutcome {
  readonly id: string
  readonly at: number
  readonly outcome: { readonly [output: string]: OutcomeValue }
  readonly predicted: { readonly [output: string]: unknown }
  readonly predictedAt: number
  readonly version: string | null
  readonly degraded: boolean
}

export interface OutcomesOptions {
  readonly platform: Platform
  readonly predictions: PredictionReader
  readonly log: EventLog
  readonly store: OnlineStore
  readonly clock: Clock
  readonly limits: Limits
}

export interface Outcomes {
  /** Throws SX_OUTCOME_INVALID for the whole request, which has then changed nothing. */
  record(inputs: readonly unknown[]): Promise<OutcomeResult>
  find(id: string): Promise<LoggedOutcome | null>
  quality(model: string): QualitySnapshot
  catchUp(): Promise<number>
}

export const topicOfOutcomes = (model: string): string => `outcomes.${model}`

export function outcomes(options: OutcomesOptions): Outcomes {
  const models = new Map(modelsOf(options.platform).map((model) => [model.name, new ModelOutcomes(model, options)]))
  const of = (name: string): ModelOutcomes => models.get(modelNamed(options.platform, name).name)!
  return {
    record: async (inputs) => {
      if (inputs.length > options.limits.outcomesPerRequest)
        throw new SixfoldError(
          'SX_OUTCOME_INVALID',
          `${inputs.length} outcomes are more than ${options.limits.outcomesPerRequest}.`,
          { fix: 'Send them in several requests.' },
        )
      const byModel = new Map<string | null, OutcomeInput[]>()
      for (const [i, input] of inputs.entries()) {
        const given = checkedInput(input, i)
        const name = parseId(given.id)?.model ?? null
        const known = name !== null && models.has(name) ? name : null
        const outcome = known === null ? given : models.get(known)!.check(given, i)
        const others = byModel.get(known)
        if (others === undefined) byModel.set(known, [outcome])
        else others.push(outcome)
      }
      const unknown = (byModel.get(null) ?? []).map(({ id }) => id)
      byModel.delete(null)
      const results = await Promise.all([...byModel].map(([name, list]) => of(name!).record(list)))
      return {
        accepted: results.reduce((sum, { accepted }) => sum + accepted, 0),
        duplicates: results.reduce((sum, { duplicates }) => sum + duplicates, 0),
        unknown: [...unknown, ...results.flatMap((result) => result.unknown)],
        conflicts: results.flatMap(({ conflicts }) => conflicts),
      }
    },
    find: async (id) => {
      const name = parseId(id)?.model
      return name === undefined || !models.has(name) ? null : models.get(name)!.find(id)
    },
    quality: (name) => of(name).quality(),
    catchUp: async () => {
      let entries = 0
      for (const model of models.values()) entries += await model.catchUp()
      return entries
    },
  }
}

function checkedInput(input: unknown, index: number): OutcomeInput {
  const { id, outcome } = (typeof input === 'object' && input !== null ? input : {}) as {
    id?: unknown
    outcome?: unknown
  }
  if (typeof id !== 'string')
    throw new SixfoldError('SX_OUTCOME_INVALID', `Outcome ${index} has no id.`, {
      fix: 'Send "id": the id that predict answered.',
    })
  if (typeof outcome !== 'object' || outcome === null || Array.isArray(outcome) || Object.keys(outcome).length === 0)
    throw new SixfoldError('SX_OUTCOME_INVALID', `Outcome ${index}, of '${shorten(id)}', has no values.`, {
      fix: 'Send "outcome": { "<output>": <what came> }.',
    })
  return { id, outcome: outcome as OutcomeInput['outcome'] }
}

const wanted = (kind: Output): string =>
  kind === 'probability'
    ? 'true or false'
    : kind === 'number'
      ? 'a number'
      : 'label' in kind
        ? `one of ${kind.label.join(', ')}`
        : `${kind.vector} numbers`
/** JSON has no NaN and no infinities, but a caller in the same process has. */
const show = (value: unknown): string =>
  typeof value === 'string'
    ? shorten(JSON.stringify(value))
    : typeof value !== 'object' || value === null
      ? String(value)
      : Array.isArray(value)
        ? 'a list'
        : 'an object'
function fits(kind: Output, value: unknown): boolean {
  if (kind === 'probability') return typeof value === 'boolean' || value === 0 || value === 1
  if (kind === 'number') return Number.isFinite(value)
  if ('label' in kind) return kind.label.includes(value as string)
  return Array.isArray(value) && value.length === kind.vector && value.every(Number.isFinite)
}

class ModelOutcomes {
  readonly #model: Model
  readonly #options: OutcomesOptions
  readonly #keys: ReturnType<typeof keysFor>
  #quality: Quality
  /** For each partition of the topic, the first entry that the figures do not count. */
  #counted: number[] = []
  #stored = Number.NEGATIVE_INFINITY
  #ready: Promise<void> | null = null
  /** One after another: whether an outcome is the first is to be decided once, and counted once. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(model: Model, options: OutcomesOptions) {
    this.#model = model
    this.#options = options
    this.#keys = keysFor(model.name)
    this.#quality = new Quality(model)
  }

  /** The outcome in its one form: 1 and 0 of a probability are true and false. */
  check({ id, outcome }: OutcomeInput, index: number): OutcomeInput {
    const { name, output } = this.#model
    const where = `Outcome ${index}, of '${shorten(id)}'`
    const checked = Object.entries(outcome).map(([key, value]) => {
      const kind = Object.hasOwn(output, key) ? output[key]! : null
      const shown = shorten(key)
      if (kind === null)
        throw new SixfoldError(
          'SX_OUTCOME_INVALID',
          `${where}: model '${name}' has no output '${shown}'. ${suggestion(shown, Object.keys(output))}`,
        )
      if (!fits(kind, value))
        throw new SixfoldError('SX_OUTCOME_INVALID', `${where}: '${shown}' is ${show(value)}, not ${wanted(kind)}.`)
      return [key, kind === 'probability' ? value === true || value === 1 : value] as const
    })
    return { id, outcome: Object.fromEntries(checked) }
  }

  quality(): QualitySnapshot {
    return this.#quality.snapshot()
  }

  record(inputs: readonly OutcomeInput[]): Promise<OutcomeResult> {
    return this.#inTurn(() => this.#record(inputs))
  }

  /** Takes in what the log holds and the index, or the figures, do not. */
  catchUp(): Promise<number> {
    return this.#inTurn(() => this.#takeIn())
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => {})
    return mine
  }

  async #record(inputs: readonly OutcomeInput[]): Promise<OutcomeResult> {
    await this.#takeIn()
    const { clock, predictions } = this.#options
    let duplicates = 0
    const conflicts: string[] = []
    const compare = (id: string, one: LoggedOutcome['outcome'], other: LoggedOutcome['outcome']): void => {
      if (canonicalJson(one) === canonicalJson(other)) duplicates++
      else conflicts.push(id)
    }
    const held = await this.#outcomesAt(await this.#placesOf(inputs.map(({ id }) => id)))
    const asked = new Map<string, LoggedOutcome['outcome']>()
    for (const [i, { id, outcome }] of inputs.entries()) {
      const before = held[i]?.outcome ?? asked.get(id)
      if (before === undefined) asked.set(id, outcome)
      else compare(id, before, outcome)
    }
    const found = await predictions.findAll([...asked.keys()])
    const unknown = [...asked.keys()].filter((_, i) => found[i] === null)
    const fresh = found.flatMap((one) => (one === null ? [] : [join(one, asked.get(one.id)!, clock.now())]))
    if (fresh.length === 0) return { accepted: 0, duplicates, unknown, conflicts }

    const written = await this.#append(fresh)
    // Another server may have recorded an outcome of the same prediction meanwhile; the index says which one counts.
    let places: readonly (Place | null)[]
    do {
      await this.#takeIn()
      places = await this.#placesOf(fresh.map(({ id }) => id))
      // One that is in the log and not in the index: the index has lost its last moments in between.
    } while (places.includes(null))
    const lost = fresh.flatMap((_, i) => (samePlace(places[i]!, written[i]!) ? [] : [i]))
    const winners = await this.#outcomesAt(lost.map((i) => places[i]!))
    for (const [k, i] of lost.entries()) {
      const { id, outcome } = fresh[i]!
      if (winners[k] !== null) compare(id, winners[k]!.outcome, outcome)
    }
    return { accepted: fresh.length - lost.length, duplicates, unknown, conflicts }
  }

  /** Gives where each came to stand. Outcomes of one prediction go to one partition, so that their order is one. */
  async #append(outcomes: readonly LoggedOutcome[]): Promise<readonly Place[]> {
    const { log } = this.#options
    const count = await log.partitions(this.#topic)
    const partitions = outcomes.map(({ id }) => hash32(id) % count)
    const places: Place[] = []
    await Promise.all(
      [...new Set(partitions)].map(async (partition) => {
        const mine = partitions.flatMap((other, i) => (other === partition ? [i] : []))
        const entries = mine.map((i) => Buffer.from(JSON.stringify(outcomes[i])))
        const appended = log.append(this.#topic, entries, { partition })
        await appended.durable
        for (const [k, i] of mine.entries()) places[i] = { partition, position: appended.position + k }
      }),
    )
    return places
  }

  async find(id: string): Promise<LoggedOutcome | null> {
    return (await this.#outcomesAt(await this.#placesOf([id])))[0]!
  }

  get #topic(): string {
    return topicOfOutcomes(this.#model.name)
  }

  async #placesOf(ids: readonly string[]): Promise<readonly (Place | null)[]> {
    const places: (Place | null)[] = ids.map(() => null)
    await patientRead(
      this.#options.store,
      ids.map((id) => this.#keys.index(id)),
      (i, bytes) => {
        places[i] = bytes === null ? null : decodePlace(bytes)
      },
    )
    return places
  }

  async #outcomesAt(places: readonly (Place | null)[]): Promise<readonly (LoggedOutcome | null)[]> {
    return Promise.all(
      places.map(async (place) => {
        if (place === null) return null
        const [entry] = await this.#options.log.read(this.#topic, place.partition, place.position, 1)
        return entry?.position === place.position ? outcomeIn(entry) : null
      }),
    )
  }

  async #takeIn(): Promise<number> {
    this.#ready ??= this.#load().catch((error: unknown) => {
      this.#ready = null
      throw error
    })
    await this.#ready
    const partitions = await this.#options.log.partitions(this.#topic)
    let entries = 0
    for (let partition = 0; partition < partitions; partition++) entries += await this.#takeInPartition(partition)
    return entries
  }

  async #takeInPartition(partition: number): Promise<number> {
    const { store, log } = this.#options
    let taken = 0
    for (;;) {
      let indexed = 0
      await patientRead(store, [this.#keys.position(partition)], (_, bytes) => {
        indexed = decodePosition(bytes)
      })
      const counted = this.#counted[partition] ?? 0
      // The index may be behind the figures: its store may have lost its last moments.
      const from = Math.min(indexed, counted)
      const entries = await log.read(this.#topic, partition, from, entriesPerRead)
      if (entries.length === 0) return taken
      const outcomes = entries.map(outcomeIn)
      const first = await this.#index(partition, from, entries, outcomes)
      if (first === null) continue
      for (const [i, outcome] of outcomes.entries())
        if (first[i] && entries[i]!.position >= counted) this.#count(outcome)
      this.#counted[partition] = Math.max(counted, entries.at(-1)!.position + 1)
      taken += entries.length
      await this.#store()
    }
  }

  /**
   * Enters the outcomes of a stretch of the log that begins where the index does, or before; says of each whether it is the one
   * that counts of its prediction. Null where the index does not reach as far.
   */
  async #index(
    partition: number,
    from: number,
    entries: readonly Entry[],
    outcomes: readonly LoggedOutcome[],
  ): Promise<readonly boolean[] | null> {
    let first: readonly boolean[] | null = null
    const next = entries.at(-1)!.position + 1
    await this.#options.store.update(
      [this.#keys.position(partition), ...outcomes.map(({ id }) => this.#keys.index(id))],
      ([position, ...held]) => {
        first = null
        const indexed = decodePosition(position!)
        if (indexed < from) return []
        const seen = new Set<string>()
        const written: (Uint8Array | undefined)[] = []
        first = outcomes.map(({ id }, i) => {
          const own = { partition, position: entries[i]!.position }
          const counts = held[i] === null ? !seen.has(id) : samePlace(decodePlace(held[i]!), own)
          seen.add(id)
          written[i] = counts && held[i] === null ? encodePlace(own) : undefined
          return counts
        })
        return [indexed < next ? encodePosition(next) : undefined, ...written]
      },
    )
    return first
  }

  #count({ predicted, outcome, predictedAt, degraded }: LoggedOutcome): void {
    this.#quality.add(predicted, outcome, predictedAt, degraded)
  }

  /** The figures are stored now and then, with their own positions; the outcomes since are counted again, from the log. */
  async #load(): Promise<void> {
    await patientRead(this.#options.store, [this.#keys.figures], (_, bytes) => {
      if (bytes === null) return
      const stored = JSON.parse(decoder.decode(bytes)) as {
        readonly positions: number[]
        readonly quality: unknown
      }
      this.#counted = stored.positions
      this.#quality = Quality.fromJSON(this.#model, stored.quality)
    })
  }

  /** At most once in a while: the figures of a year of days are some ten thousand numbers. */
  async #store(): Promise<void> {
    const now = this.#options.clock.monotonic()
    if (now - this.#stored < storeEveryMs) return
    this.#stored = now
    // A partition of which nothing was counted yet is a hole, which JSON would write as null.
    const positions = Array.from(this.#counted, (position) => position ?? 0)
    const figures = Buffer.from(JSON.stringify({ positions, quality: this.#quality }))
    await this.#options.store.update([this.#keys.figures], () => [figures])
  }
}

const entriesPerRead = 500
const storeEveryMs = 5_000

const decoder = new TextDecoder()
const outcomeIn = ({ bytes }: Entry): LoggedOutcome => JSON.parse(decoder.decode(bytes)) as LoggedOutcome

function join(
  { id, schema, outputs, at, version, degraded }: LoggedPrediction,
  outcome: LoggedOutcome['outcome'],
  now: number,
): LoggedOutcome {
  const predicted = Object.fromEntries(schema.outputs.map((name, i) => [name, outputs[i]]))
  return { id, at: now, outcome, predicted, predictedAt: at, version, degraded: degraded.length > 0 }
}
