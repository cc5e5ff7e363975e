/**
 * Looking up what batches said: which version is live is known in memory, so that a look-up is one read of the online store. A call about many
 * keys answers all of them by one version. What the version does not have, other rungs answer, and say so.
 */
import { readFileSync } from 'node:fs'
import type { Batch } from '../../definition/batch.ts'
import type { Platform } from '../../definition/graph.ts'
import { batchesOf, batchNamed } from '../../definition/graph.ts'
import type { Value } from '../../expression/node.ts'
import { typeOf } from '../../expression/node.ts'
import type { FieldsReader, Prediction, Question } from '../../inference/index.ts'
import { fieldsReader } from '../../inference/index.ts'
import { durationMs } from '../../kernel/duration.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { atMost } from '../../kernel/persist.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { BatchRowsStore } from '../../ports/batch-rows.ts'
import type { BatchRun, BatchStore } from '../../ports/batch-store.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import type { Published } from '../context.ts'
import type { BatchAnswer, Rung } from '../documents.ts'
import type { Archive } from './archive.ts'
import { archive } from './archive.ts'
import type { Mark } from './cache.ts'
import { columnsOf, decisionColumn, drop, fromJson, keysOfVersion, markKey, priorsKey } from './cache.ts'
import type { Ladder } from './ladder.ts'
import { ladder } from './ladder.ts'
import type { Priors } from './priors.ts'
import type { Use } from './use.ts'
import { uses } from './use.ts'
import { decodeValues } from './values.ts'
import { filler, priorsFrom } from './warm.ts'

export interface LookupOptions {
  readonly platform: Platform
  readonly environment: string
  readonly store: BatchStore
  readonly online: OnlineStore
  readonly rows: BatchRowsStore
  readonly artifacts: ArtifactStore
  readonly holder: string
  readonly now: () => number
  readonly predict: (model: string, question: Question) => Promise<Prediction>
  /** True for a server: how it is asked is told to the store. */
  readonly serving: boolean
}

export interface Lookups {
  lookup(batch: string, keys: readonly unknown[]): Promise<readonly BatchAnswer[]>
  /** What the live version itself says of a key; null where none is live or it is too old, has no such key or lacks an output. */
  exact(batch: string, key: { readonly [part: string]: Value }): Promise<ExactAnswer | null>
  /** Asks which versions are live. Where the metadata store is away those that were go on to be. */
  refresh(): Promise<void>
  /** Look-ups since this began, by batch and by what answered; 'none': nothing did. */
  counts(): { readonly [batch: string]: { readonly [rung: string]: number } }
  readonly published: Published
  close(): Promise<void>
}

export interface ExactAnswer {
  readonly outputs: { readonly [output: string]: number | string | readonly number[] }
  /** Of the model. */
  readonly version: string
}

interface Live {
  readonly run: BatchRun
  readonly encode: ReturnType<typeof keysOfVersion>
  readonly mark: Uint8Array
  readonly use: Use
  readonly archive: Archive
  /** Where the outputs and the decision stand among the values of this version; null: not read yet. */
  places: Places | null
  priors: Promise<Priors> | null
}
interface Places {
  readonly outputs: readonly number[]
  readonly decision: number
}
interface Exact {
  readonly outputs: readonly Value[]
  readonly decision: string | null
}
interface Asked {
  readonly batch: Batch
  readonly keys: FieldsReader
  /** Positions of the parts in the order of their names, which is that of the online store. */
  readonly order: readonly number[]
  readonly outputs: readonly string[]
  readonly ladder: Ladder
  readonly counts: { [rung: string]: number }
}

export const keysMost = 10_000
const closeMs = 2_000
/** How often the store is told how versions are looked up. */
const tellMs = 60_000

export function lookups(options: LookupOptions): Lookups {
  const { platform, environment, store, online, rows, artifacts, holder, now, serving } = options
  const asked = new Map(batchesOf(platform).map((batch) => [batch.name, askedOf(batch, options)]))
  const used = uses(store, holder, now)
  const filled = filler({ store, online, rows, artifacts, holder })
  let live: ReadonlyMap<string, Live> = new Map()
  let told = performance.now()

  const liveOf = (batch: Batch, run: BatchRun): Live => {
    let files: Promise<readonly string[]> | null = null
    return {
      run,
      encode: keysOfVersion(batch, run),
      mark: markKey(run),
      use: used.of(run.id),
      archive: archive(batch, rows, () => {
        files ??= filled.files(run).catch((error: unknown) => {
          files = null
          throw error
        })
        return files
      }),
      places: null,
      priors: null,
    }
  }
  const refresh = async (): Promise<void> => {
    const next = new Map<string, Live>()
    for (const { batch, run: id } of await store.live(environment)) {
      const definition = asked.get(batch)?.batch
      if (definition === undefined) continue
      const before = live.get(batch)
      const run = before?.run.id === id ? before.run : await store.run(id)
      if (run !== null) next.set(batch, before?.run === run ? before : liveOf(definition, run))
    }
    live = next
    if (!serving || performance.now() - told < tellMs) return
    told = performance.now()
    await used.tell()
  }

  /** Of each key what the version says; null where it has no such key. */
  const read = async (
    of: Asked,
    one: Live,
    keys: readonly (readonly Value[])[],
  ): Promise<readonly (Exact | null)[]> => {
    const found: (Exact | null)[] = keys.map(() => null)
    const places: number[] = []
    const encoded: Uint8Array[] = []
    for (const [i, key] of keys.entries()) {
      // A key with a part that is missing names nobody.
      if (key.some((value) => value === null)) continue
      places.push(i)
      encoded.push(one.encode(of.order.map((at) => key[at]!)))
    }
    one.use.lookups += keys.length
    const values: (readonly Value[] | null)[] = encoded.map(() => null)
    let mark = false
    let away = false
    try {
      // The mark last: where it still is, so was all that was read before it.
      await online.read([...encoded, one.mark], (i, value) => {
        if (i < encoded.length) values[i] = value === null ? null : decodeValues(value)
        else if (value !== null) {
          mark = true
          one.places ??= placesIn(of, fromJson<Mark>(value).columns)
        }
      })
    } catch (error) {
      if (!isSixfoldError(error) || error.code !== 'SX_STORE_UNAVAILABLE') throw error
      away = true
    }
    let said = one.places
    let answers: readonly (readonly Value[] | null)[] = values
    if (!mark) {
      // The cache has lost it: what it still has may be a part of the whole.
      if (!away) filled.again(of.batch, one.run)
      answers = await one.archive.find(places.map((i) => of.order.map((at) => keys[i]![at]!)))
      said = placesIn(of, columnsOf(of.batch))
    }
    for (const [i, value] of answers.entries()) {
      if (value === null) continue
      one.use.hit(encoded[i]!)
      const { outputs, decision } = said!
      found[places[i]!] = {
        outputs: outputs.map((at) => value[at] ?? null),
        decision: (value[decision] as string | null | undefined) ?? null,
      }
    }
    return found
  }

  const priorsOf = (one: Live): Promise<Priors> => {
    one.priors ??= (async () => {
      let kept: Priors | null = null
      await online.read([priorsKey(one.run)], (_, value) => {
        if (value !== null) kept = fromJson<Priors>(value)
      })
      return kept ?? priorsFrom(readFileSync(await filled.profile(one.run), 'utf8')).priors
    })().catch((error: unknown) => {
      one.priors = null
      throw error
    })
    return one.priors
  }

  const lookup: Lookups['lookup'] = async (name, given) => {
    const { name: known } = batchNamed(platform, name)
    const of = asked.get(known)!
    if (given.length > keysMost)
      throw new SixfoldError('SX_REQUEST_INVALID', `${given.length} keys are more than ${keysMost} at once.`)
    const keys = given.map((one) => {
      const into: Value[] = []
      of.keys.read(one, into, 0)
      return into
    })
    const one = live.get(known) ?? null
    const { promise } = of.batch.publish
    const age = one === null ? null : now() - one.run.at
    const current = currentOf(of, one)
    const found = current === null ? keys.map(() => null) : await read(of, current, keys)
    const about = {
      batch: known,
      version: one?.run.version ?? null,
      asOf: one?.run.at ?? null,
      ageMs: age,
      stale: age !== null && promise !== null && age > durationMs(promise),
    }
    const isThere = (exact: Exact | null): exact is Exact => exact?.outputs.every((value) => value !== null) ?? false
    const lacking = found.some((exact) => !isThere(exact))
    const priors = lacking && current !== null && of.ladder.needsPriors ? await priorsOf(current) : null
    return Promise.all(
      found.map(async (exact, i): Promise<BatchAnswer> => {
        if (isThere(exact)) return counted(of, { ...about, ...exactAnswer(of, exact) })
        const parts = Object.fromEntries(of.keys.names.map((part, at) => [part, keys[i]![at]!]))
        const [rung, outputs] = await of.ladder.below({ parts, given: given[i], at: about.asOf }, priors)
        return counted(of, { ...about, outputs, rung, decision: null })
      }),
    )
  }

  /** Null: none is live, or it is older than it may be. */
  const currentOf = ({ batch }: Asked, one: Live | null): Live | null => {
    const { ttl } = batch.publish
    return one !== null && !(ttl !== null && now() - one.run.at > durationMs(ttl)) ? one : null
  }

  const exact: Lookups['exact'] = async (name, key) => {
    const of = asked.get(name)!
    const one = currentOf(of, live.get(name) ?? null)
    if (one === null) return null
    const [found] = await read(of, one, [of.keys.names.map((part) => key[part] ?? null)])
    if (found === null || found === undefined || found.outputs.includes(null)) return null
    return { outputs: exactAnswer(of, found).outputs, version: String(one.run.modelVersion) }
  }

  return {
    lookup,
    exact,
    refresh,
    counts: () => Object.fromEntries([...asked].map(([name, { counts }]) => [name, { ...counts }])),
    published: {
      warm: filled.warm,
      flipped: refresh,
      drop: (_, run) => drop(run, online),
    },
    close: async () => {
      await filled.close()
      if (serving) await atMost(closeMs, used.tell())
    },
  }
}

function askedOf(batch: Batch, { predict }: LookupOptions): Asked {
  const keys = fieldsReader(batch.key, 'keys', `batch '${batch.name}'`)
  return {
    batch,
    keys,
    order: keys.names.toSorted().map((name) => keys.names.indexOf(name)),
    outputs: Object.keys(batch.model.output),
    ladder: ladder(batch, predict),
    counts: {},
  }
}

const placesIn = ({ outputs }: Asked, columns: readonly string[]): Places => ({
  outputs: outputs.map((output) => columns.indexOf(output)),
  decision: columns.indexOf(decisionColumn),
})

const exactAnswer = ({ batch, outputs }: Asked, exact: Exact) => ({
  outputs: Object.fromEntries(outputs.map((name, i) => [name, exact.outputs[i] as number | string])),
  rung: 'exact' as Rung,
  decision: decisionOf(batch, exact.decision),
})

const decisionOf = ({ decision }: Batch, text: string | null): string | boolean | null =>
  text === null || decision === null ? null : typeOf(decision) === 'boolean' ? text === 'true' : text

function counted({ counts }: Asked, answer: BatchAnswer): BatchAnswer {
  const by = answer.rung ?? 'none'
  counts[by] = (counts[by] ?? 0) + 1
  return answer
}
