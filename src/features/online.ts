/**
 * Features as they are now: one read of the online store for all views asked for together.
 *
 * Whoever reads while another process rebuilds a view sees the old state whole or the new one. A view's records are cleared only
 * after its state names the next generation, so a record that is there is good, and one that is not makes the reader look at the
 * view's state before it believes so. An embedded store is asked for the state then; of one that is a round trip away the states
 * are asked for with the records.
 */
import { viewReader } from '../aggregation/read.ts'
import type { KeyFields } from '../definition/entity.ts'
import type { AnyView } from '../definition/view.ts'
import type { Type, Value } from '../expression/node.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import { reusedKeyEncoder } from './key.ts'
import type { RunningViews } from './runtime.ts'
import { adopt } from './runtime.ts'
import { decodeViewState, viewStateKey } from './view-state.ts'

export interface FeatureGroup {
  /** The name under which a model reads the view. */
  readonly group: string
  /** A view or a selection of one, perhaps in a role. */
  readonly view: AnyView
}

export interface GroupLayout {
  readonly group: string
  readonly view: AnyView
  /** Where the group's features begin in what is read. */
  readonly at: number
  readonly features: readonly { readonly name: string; readonly type: Type }[]
}

export interface FeatureReader {
  readonly groups: readonly GroupLayout[]
  /** How many values a read writes. */
  readonly width: number
  /**
   * Writes all features of all groups to `into` from position `at`, and for each group the time of its newest event to `newest`,
   * NaN for an entity never seen. `keys` are values in the order of `keyNames`. An embedded store answers before this returns.
   */
  read(keys: readonly Value[], moment: number, into: Value[], at: number, newest: Float64Array): void | Promise<void>
}

export function featureReader(
  groups: readonly FeatureGroup[],
  keyNames: readonly string[],
  views: RunningViews,
  store: OnlineStore,
): FeatureReader {
  let width = 0
  const readers = groups.map(({ group, view }) => {
    const running = views.named(view.name)
    const reader = viewReader(running.plan, Object.keys(view.features))
    const at = width
    width += reader.width
    const parts = Object.keys(view.basis.entity.key)
      .sort()
      .map((part) => keyNames.indexOf(view.role[part]!))
    const features = Object.keys(view.features).map((name) => ({
      name,
      type: running.plan.features.find((feature) => feature.name === name)!.type,
    }))
    const { key } = view.basis.entity
    return {
      group,
      view,
      running,
      reader,
      at,
      parts,
      features,
      prefix: running.prefix,
      keyOf: reusedKeyEncoder(running.prefix, key, parts),
    }
  })
  const keysOfAll = new Array<Uint8Array>(readers.length)
  const stateKeys = readers.map(({ running }) => viewStateKey(running.plan.hash))
  /** As last read; a state seldom changes, and one that is the same need not be decoded. */
  const lastStates: ({ readonly bytes: Buffer; readonly generation: number } | null | undefined)[] = []
  /** Whether the store is a round trip away: it shows with the first answer. */
  let remote = false

  const read: FeatureReader['read'] = (keys, moment, into, at, newest) => {
    let asked = keysOfAll
    let readerOf: readonly number[] | null = null
    for (let i = 0; i < readers.length; i++) {
      const one = readers[i]!
      const { running, parts } = one
      if (one.prefix !== running.prefix) {
        one.prefix = running.prefix
        one.keyOf = reusedKeyEncoder(running.prefix, one.view.basis.entity.key, parts)
      }
      if (isNamed(keys, parts)) asked[i] = one.keyOf(keys)
      else {
        // A key without a part names no entity, and is not asked for.
        newest[i] = one.reader.read(null, moment, into, at + one.at)
        readerOf ??= readers.map((_, i) => i)
        readerOf = readerOf.filter((other) => other !== i)
      }
    }
    if (readerOf !== null) asked = readerOf.map((i) => keysOfAll[i]!)
    const records = asked.length
    if (remote) asked = [...asked, ...stateKeys]
    const generations = generationsNow()
    let missed: number[] | null = null
    const reading = store.read(asked, (k, bytes) => {
      if (k >= records) return follow(k - records, bytes)
      const i = readerOf === null ? k : readerOf[k]!
      const { reader, at: offset } = readers[i]!
      newest[i] = reader.read(bytes, moment, into, at + offset)
      if (bytes !== null) return
      missed ??= []
      missed.push(i)
    })
    // Reads once more where a view that had no record stands on another generation by now.
    if (reading === undefined) {
      if (missed === null) return
      const some = missed as readonly number[]
      void store.read(
        some.map((i) => stateKeys[i]!),
        (k, bytes) => follow(some[k]!, bytes),
      )
      return generationsNow() === generations ? undefined : read(keys, moment, into, at, newest)
    }
    const withStates = remote
    remote = true
    return reading.then(() => {
      // Where a view went back with its store, also the records that are there are of a generation that is yet to be built.
      const good = withStates ? generationsNow() === generations : missed === null
      return good ? undefined : read(keys, moment, into, at, newest)
    })
  }

  /** Grows whenever one of the views steps over, whoever noticed. */
  const generationsNow = (): number => {
    let sum = 0
    for (let i = 0; i < readers.length; i++) sum += readers[i]!.running.state.generation
    return sum
  }

  /** Takes note of a view's state. Whoever else notes it may have gone on meanwhile, or back with a store that lost its last moments. */
  const follow = (i: number, bytes: Uint8Array | null): void => {
    const { running, view } = readers[i]!
    const last = lastStates[i]
    if (bytes !== null && last?.generation === running.state.generation && last.bytes.equals(bytes)) return
    const state = decodeViewState(bytes, view.name)
    lastStates[i] = bytes === null ? null : { bytes: Buffer.from(bytes), generation: state.generation }
    adopt(running, state)
  }

  return { groups: readers.map(({ group, view, at, features }) => ({ group, view, at, features })), width, read }
}

function isNamed(keys: readonly Value[], parts: readonly number[]): boolean {
  for (let p = 0; p < parts.length; p++) if (keys[parts[p]!] === null) return false
  return true
}

/** The keys of several views together, by the names under which they are asked for. */
export const keysOf = (groups: readonly FeatureGroup[]): KeyFields =>
  Object.assign({}, ...groups.map(({ view }) => view.key)) as KeyFields
