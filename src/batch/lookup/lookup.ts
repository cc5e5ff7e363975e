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
import { compile } from '../../expression/targets/javascript/compile.ts'
import type { FieldsReader, Prediction, Question } from '../../inference/index.ts'
import { fieldsReader } from '../../inference/index.ts'
import { durationMs } from '../../kernel/duration.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { BatchRowsStore } from '../../ports/batch-rows.ts'
import type { BatchRun, BatchStore } from '../../ports/batch-store.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import type { Published } from '../context.ts'
import type { BatchAnswer, Rung } from '../documents.ts'
import { profilesFrom } from '../profile-set.ts'
import type { Cached, Mark } from './cache.ts'
import { cachedFrom, columnsOf, decode, drop, fill, keysOfVersion, markKey, outputOf } from './cache.ts'
import { priorsOf } from './priors.ts'

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
}

export interface Lookups {
  lookup(batch: string, keys: readonly unknown[]): Promise<readonly BatchAnswer[]>
  /** Asks which versions are live. Where the metadata store is away those that were go on to be. */
  refresh(): Promise<void>
  readonly published: Published
  close(): Promise<void>
}

interface Live {
  readonly run: BatchRun
  readonly encode: ReturnType<typeof keysOfVersion>
  readonly mark: Uint8Array
  known: Mark | null
}
interface Asked {
  readonly batch: Batch
  readonly keys: FieldsReader
  /** Positions of the parts in the order of their names, which is that of the online store. */
  readonly order: readonly number[]
  readonly segment: ((row: readonly Value[]) => Value) | null
}

export const keysMost = 10_000
/** After a version is live no more, somebody may still be reading it. */
const lingerMs = 60_000
const fillLeaseMs = 60_000

export function lookups(options: LookupOptions): Lookups {
  const { platform, environment, store, online, rows, artifacts, now } = options
  const asked = new Map(batchesOf(platform).map((batch) => [batch.name, askedOf(batch)]))
  let live: ReadonlyMap<string, Live> = new Map()
  const filling = new Map<string, Promise<void>>()
  const dropping = new Set<NodeJS.Timeout>()
  const ending = new AbortController()

  const refresh = async (): Promise<void> => {
    const pointers = (await store.live(environment)).filter(({ batch }) => asked.has(batch))
    const next = new Map<string, Live>()
    for (const { batch, run: id } of pointers) {
      const before = live.get(batch)
      if (before?.run.id === id) {
        next.set(batch, before)
        continue
      }
      const run = await store.run(id)
      if (run === null) continue
      const { batch: definition } = asked.get(batch)!
      next.set(batch, { run, encode: keysOfVersion(definition, run), mark: markKey(run), known: null })
    }
    live = next
  }

  const filesOf = async (run: BatchRun): Promise<readonly string[]> => {
    const paths: string[] = []
    for (const { output } of await store.partitions(run.id))
      if (output !== null) paths.push(await artifacts.open(output.sha256))
    return paths
  }

  const warm: Published['warm'] = async (batch, run, progress, signal) => {
    let there = false
    await online.read([markKey(run)], (_, value) => {
      there = value !== null
    })
    if (there) return
    const profile = run.artifacts['profile']
    if (profile === undefined)
      throw new SixfoldError('SX_BATCH_STATE', `Version ${run.version} of '${run.batch}' has not been audited.`)
    const profiles = profilesFrom(JSON.parse(readFileSync(await artifacts.open(profile), 'utf8')))
    const mark: Mark = { rows: profiles.rows, priors: priorsOf(profiles) }
    await fill(batch, run, { paths: await filesOf(run) }, mark, { online, rows }, progress, signal)
  }

  /** In the background, by one of the servers that miss it. */
  const fillAgain = (batch: Batch, run: BatchRun): void => {
    if (filling.has(run.id)) return
    const work = (async () => {
      const lease = await store.lease(`fill/${run.id}`, options.holder, fillLeaseMs)
      if (lease === null) return
      const renewing = setInterval(() => void store.renew(lease, fillLeaseMs).catch(() => {}), fillLeaseMs / 3)
      try {
        await warm(batch, run, () => {}, ending.signal)
      } finally {
        clearInterval(renewing)
        await store.release(lease)
      }
    })()
    filling.set(
      run.id,
      work.catch(() => {}).finally(() => filling.delete(run.id)),
    )
  }

  /** Of each key what the version says; null where it has no such key. */
  const read = async (
    of: Asked,
    one: Live,
    keys: readonly (readonly Value[])[],
  ): Promise<readonly (Cached | null)[]> => {
    const { batch, order } = of
    const found: (Cached | null)[] = keys.map(() => null)
    const places: number[] = []
    const encoded: Uint8Array[] = []
    for (const [i, key] of keys.entries()) {
      // A key with a part that is missing names nobody.
      if (key.some((value) => value === null)) continue
      places.push(i)
      encoded.push(one.encode(order.map((at) => key[at]!)))
    }
    let marked = false
    await online.read([...encoded, one.mark], (i, value) => {
      if (i < encoded.length) found[places[i]!] = value === null ? null : decode(batch, value)
      else if (value !== null) {
        marked = true
        one.known ??= JSON.parse(Buffer.from(value).toString('utf8')) as Mark
      }
    })
    if (marked) return found
    // The cache has lost it: what it still has may be a part of the whole.
    fillAgain(batch, one.run)
    const parts = Object.keys(batch.key)
    const plain = places.map((i) =>
      Object.fromEntries(parts.map((part, at) => [part, keys[i]![at] as string | number | boolean])),
    )
    const names = columnsOf(batch)
    const archived = await rows.find({ paths: await filesOf(one.run) }, plain, names)
    const answers: (Cached | null)[] = keys.map(() => null)
    for (const [i, row] of archived.entries())
      if (row !== null)
        answers[places[i]!] = cachedFrom(
          batch.model,
          batch.decision !== null,
          names.map((name) => outputOf(batch, name, row[name] as Value)),
        )
    return answers
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
    const at = now()
    const { promise, ttl } = of.batch.publish
    const age = one === null ? null : at - one.run.at
    const expired = age !== null && ttl !== null && age > durationMs(ttl)
    const found = one === null || expired ? keys.map(() => null) : await read(of, one, keys)
    const about = {
      batch: known,
      version: one?.run.version ?? null,
      asOf: one?.run.at ?? null,
      ageMs: age,
      stale: age !== null && promise !== null && age > durationMs(promise),
    }
    return Promise.all(
      keys.map(async (key, i): Promise<BatchAnswer> => {
        const exact = found[i]!
        if (exact?.outputs.every((value) => value !== null)) {
          const names = Object.keys(of.batch.model.output)
          return {
            ...about,
            outputs: Object.fromEntries(names.map((output, at) => [output, exact.outputs[at] as number | string])),
            rung: 'exact',
            decision: decisionOf(of.batch, exact.decision),
          }
        }
        const [rung, outputs] = await below(of, expired ? null : (one?.known ?? null), key, given[i])
        return { ...about, outputs, rung, decision: null }
      }),
    )
  }

  const below = async (
    { batch, segment }: Asked,
    mark: Mark | null,
    key: readonly Value[],
    asGiven: unknown,
  ): Promise<readonly [Rung | null, BatchAnswer['outputs']]> => {
    const { unknown, model } = batch
    if (segment !== null && mark !== null) {
      const value = segment(key)
      const prior = value === null ? undefined : mark.priors.segments[String(value)]
      if (prior !== undefined) return ['segment', prior]
    }
    if (unknown.popular && mark?.priors.popular) return ['popular', mark.priors.popular]
    if (unknown.model) {
      const own = Object.fromEntries(
        Object.keys(model.key).map((part) => [part, (asGiven as Record<string, unknown>)[part]]),
      )
      const { outputs, degraded } = await options.predict(model.name, { keys: own, request: undefined })
      // What its own fallback said is no answer of the model's.
      if (!degraded.some(({ by }) => by === 'rule' || by === 'default'))
        return ['model', outputs as NonNullable<BatchAnswer['outputs']>]
    }
    return unknown.otherwise === null ? [null, null] : ['default', unknown.otherwise]
  }

  return {
    lookup,
    refresh,
    published: {
      warm,
      flipped: refresh,
      drop: async (batch, run) => {
        // Another server looks which is live every half a second: until then it reads this one.
        const later = now() - (run.publishedAt ?? 0) < lingerMs ? lingerMs : 0
        if (later === 0) return drop(batch, run, online)
        const timer = setTimeout(() => {
          dropping.delete(timer)
          void drop(batch, run, online).catch(() => {})
        }, later)
        timer.unref()
        dropping.add(timer)
      },
    },
    close: async () => {
      ending.abort()
      for (const timer of dropping) clearTimeout(timer)
      await Promise.all(filling.values())
    },
  }
}

function askedOf(batch: Batch): Asked {
  const keys = fieldsReader(batch.key, 'keys', `batch '${batch.name}'`)
  const { segment } = batch.unknown
  return {
    batch,
    keys,
    order: keys.names.toSorted().map((name) => keys.names.indexOf(name)),
    segment:
      segment === null
        ? null
        : compile(segment, (leaf) => keys.names.indexOf((leaf as { readonly name: string }).name)),
  }
}

const decisionOf = ({ decision }: Batch, text: string | null): string | boolean | null =>
  text === null || decision === null ? null : typeOf(decision) === 'boolean' ? text === 'true' : text
