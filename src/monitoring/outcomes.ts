/**
 * Outcomes: what really came, joined to what was predicted. An outcome goes into the log first, then into the index that knows which
 * predictions have one, together with the figures of quality and the position in the log, in one update: so an acknowledged
 * outcome counts once, also when the process dies in between.
 */

import type { Platform } from '../definition/graph.ts'
import { modelNamed, modelsOf } from '../definition/graph.ts'
import type { Model, Output } from '../definition/model.ts'
import type { LoggedPrediction, PredictionReader } from '../inference/index.ts'
import { parseId } from '../inference/index.ts'
import type { Clock } from '../kernel/clock.ts'
import { isSixfoldError, SixfoldError } from '../kernel/errors.ts'
import { canonicalJson } from '../kernel/hash.ts'
import type { Limits } from '../kernel/limits.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import { keysFor } from './outcome-keys.ts'
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
  readonly position: number
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
  /** The first entry of the topic that is not part of the index. */
  #position = 0
  #stored = Number.NEGATIVE_INFINITY
  #ready: Promise<void> | null = null
  /** Requests of one model go one after another: whether an outcome is the first is to be decided once. */
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
    const mine = this.#last.then(() => this.#record(inputs))
    this.#last = mine.catch(() => {})
    return mine
  }

  async #record(inputs: readonly OutcomeInput[]): Promise<OutcomeResult> {
    await this.catchUp()
    const { log, clock, predictions } = this.#options
    const unknown: string[] = []
    const conflicts: string[] = []
    let duplicates = 0
    const fresh = new Map<string, LoggedOutcome>()
    const held = await this.#held(inputs.map(({ id }) => id))
    for (const [i, { id, outcome }] of inputs.entries()) {
      const before = held[i] ?? fresh.get(id)?.outcome
      if (before !== undefined && before !== null) {
        if (canonicalJson(before) === canonicalJson(outcome)) duplicates++
        else conflicts.push(id)
        continue
      }
      const prediction = await findOrNull(predictions, id)
      if (prediction === null) unknown.push(id)
      else fresh.set(id, join(prediction, outcome, clock.now()))
    }
    if (fresh.size > 0) {
      const { durable } = log.append(
        topicOfOutcomes(this.#model.name),
        [...fresh.values()].map((outcome) => Buffer.from(JSON.stringify(outcome))),
      )
      await durable
      await this.catchUp()
    }
    return { accepted: fresh.size, duplicates, unknown, conflicts }
  }

  /** The outcomes that the index holds for these predictions. */
  async #held(ids: readonly string[]): Promise<readonly (LoggedOutcome['outcome'] | null)[]> {
    const found: (LoggedOutcome['outcome'] | null)[] = ids.map(() => null)
    await this.#options.store.read(
      ids.map((id) => this.#keys.index(parseId(id)!.position)),
      (i, bytes) => {
        found[i] = entryOf(bytes, ids[i]!)?.outcome ?? null
      },
    )
    return found
  }

  async find(id: string): Promise<LoggedOutcome | null> {
    let found: LoggedOutcome | null = null
    await this.#options.store.read([this.#keys.index(parseId(id)!.position)], (_, bytes) => {
      found = entryOf(bytes, id)
    })
    return found
  }

  /** Takes in what the log holds and the index does not. */
  async catchUp(): Promise<number> {
    this.#ready ??= this.#load()
    await this.#ready
    return this.#takeIn()
  }

  async #takeIn(): Promise<number> {
    let entries = 0
    for (;;) {
      const batch = await this.#entries(this.#position)
      if (batch.length === 0) return entries
      const counted = await this.#index(batch)
      for (const outcome of counted) this.#count(outcome)
      this.#position += batch.length
      entries += batch.length
      await this.#store()
    }
  }

  async #entries(from: number): Promise<readonly LoggedOutcome[]> {
    const entries = await this.#options.log.read(topicOfOutcomes(this.#model.name), from, 500)
    return entries.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)) as LoggedOutcome)
  }

  /** Enters outcomes that follow the index's position; gives those that are the first of their predictions. */
  async #index(entries: readonly LoggedOutcome[]): Promise<readonly LoggedOutcome[]> {
    let counted: LoggedOutcome[] = []
    const next = this.#position + entries.length
    await this.#options.store.update(
      [this.#keys.position, ...entries.map(({ position }) => this.#keys.index(position))],
      ([, ...held]) => {
        counted = []
        const seen = new Set<number>()
        const written = entries.map((entry, i) => {
          if (entryOf(held[i]!, entry.id) !== null || seen.has(entry.position)) return undefined
          seen.add(entry.position)
          counted.push(entry)
          return Buffer.from(JSON.stringify({ ...entry, logged: this.#position + i }))
        })
        return [Buffer.from(JSON.stringify(next)), ...written]
      },
    )
    return counted
  }

  #count({ predicted, outcome, predictedAt, degraded }: LoggedOutcome): void {
    this.#quality.add(predicted, outcome, predictedAt, degraded)
  }

  /**
   * The figures are stored now and then, with their own position; after a crash the outcomes since are counted again, from the log,
   * as far as the index says that they are the ones that count.
   */
  async #load(): Promise<void> {
    const { store } = this.#options
    let counted = 0
    await store.read([this.#keys.position, this.#keys.figures], (i, bytes) => {
      if (bytes === null) return
      const stored = JSON.parse(new TextDecoder().decode(bytes)) as
        | number
        | { readonly position: number; readonly quality: unknown }
      if (i === 0) this.#position = stored as number
      else {
        const figures = stored as { readonly position: number; readonly quality: unknown }
        counted = figures.position
        this.#quality = Quality.fromJSON(this.#model, figures.quality)
      }
    })
    while (counted < this.#position) {
      const entries = (await this.#entries(counted)).slice(0, this.#position - counted)
      if (entries.length === 0) return
      const from = counted
      await store.read(
        entries.map(({ position }) => this.#keys.index(position)),
        (i, bytes) => {
          const held =
            bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as { readonly logged: number })
          if (held?.logged === from + i) this.#count(entries[i]!)
        },
      )
      counted += entries.length
    }
  }

  /** At most once in a while: the figures of a year of days are some ten thousand numbers. */
  async #store(): Promise<void> {
    const now = this.#options.clock.monotonic()
    if (now - this.#stored < storeEveryMs) return
    this.#stored = now
    const figures = Buffer.from(JSON.stringify({ position: this.#position, quality: this.#quality }))
    await this.#options.store.update([this.#keys.figures], () => [figures])
  }
}

const storeEveryMs = 5_000

/** What the index holds at a prediction's place, if it is that prediction's: a log that lost its end gives a place out again. */
function entryOf(bytes: Uint8Array | null, id: string): LoggedOutcome | null {
  const entry = bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as LoggedOutcome)
  return entry?.id === id ? entry : null
}

async function findOrNull(predictions: PredictionReader, id: string): Promise<LoggedPrediction | null> {
  try {
    return await predictions.find(id)
  } catch (error) {
    if (isSixfoldError(error) && error.code === 'SX_UNKNOWN_PREDICTION') return null
    throw error
  }
}

function join(
  { id, position, schema, outputs, at, version, degraded }: LoggedPrediction,
  outcome: LoggedOutcome['outcome'],
  now: number,
): LoggedOutcome {
  const predicted = Object.fromEntries(schema.outputs.map((name, i) => [name, outputs[i]]))
  return { id, position, at: now, outcome, predicted, predictedAt: at, version, degraded: degraded.length > 0 }
}
