/** What would change if the definitions were applied, and what each change entails. */

import type { Plan, PlannedChange } from '../api/index.ts'
import { describe, hashOfDefinition } from '../definition/describe.ts'
import type { Platform } from '../definition/graph.ts'
import { allViewsOf } from '../definition/graph.ts'
import type { Applied, AppliedPlatform, MetadataStore } from '../ports/metadata-store.ts'
import type { Servers } from './servers.ts'
import type { Stores } from './stores.ts'
import type { Dropped } from './superseded.ts'
import { dropSuperseded } from './superseded.ts'

const definitionsOf = (platform: Platform): AppliedPlatform['definitions'] =>
  Object.values(platform.definitions).map((definition) => ({
    kind: definition.kind,
    name: definition.name,
    hash: hashOfDefinition(definition),
    described: JSON.parse(JSON.stringify(describe(definition))) as unknown,
  }))

export async function planFor(platform: Platform, metadata: MetadataStore): Promise<Plan> {
  const applied = await metadata.applied()
  const before = new Map(
    (applied?.definitions ?? []).map((definition) => [`${definition.kind} ${definition.name}`, definition]),
  )
  const after = new Map(
    definitionsOf(platform).map((definition) => [`${definition.kind} ${definition.name}`, definition]),
  )
  const pushedOnly = new Set(
    allViewsOf(platform).flatMap(({ name, basis }) => (basis.source.history === null ? [name] : [])),
  )
  const entailed = (change: PlannedChange['change'], kind: string, name: string): string | null =>
    kind === 'view' ? entailedForView(change, name, pushedOnly.has(name)) : entailedFor(change, kind)
  const changes: PlannedChange[] = []
  for (const [key, { kind, name, hash }] of after) {
    const old = before.get(key)
    if (old === undefined) changes.push({ change: 'added', kind, name, entails: entailed('added', kind, name) })
    else if (old.hash !== hash)
      changes.push({ change: 'changed', kind, name, entails: entailed('changed', kind, name) })
  }
  for (const [key, { kind, name }] of before)
    if (!after.has(key)) changes.push({ change: 'removed', kind, name, entails: entailed('removed', kind, name) })
  return { hash: platform.hash, appliedAt: applied?.at ?? null, changes }
}

function entailedForView(change: PlannedChange['change'], name: string, pushedOnly: boolean): string {
  if (change === 'removed') return 'its online state is dropped'
  const starts = pushedOnly
    ? 'its online state is made of the events in the log'
    : `its online state starts empty: run \`sixfold materialize ${name}\``
  return change === 'changed' ? `${starts}; the state of the old definition is dropped` : starts
}

function entailedFor(change: PlannedChange['change'], kind: string): string | null {
  if (kind === 'model' && change === 'changed')
    return 'versions are held against the new definition when they are next loaded'
  if (kind !== 'gate') return null
  return change === 'removed'
    ? 'versions are asked from now on what every model is asked'
    : 'versions are asked this from now on; those that are in production stay there'
}

/** Records the definitions, and drops the state of views that are no longer defined so and that no server uses. */
export async function applyPlatform(
  platform: Platform,
  { metadata, online }: Pick<Stores, 'metadata' | 'online'>,
  servers: Servers,
  at: number,
): Promise<{ readonly applied: Applied } & Dropped> {
  const applied = await metadata.apply({ hash: platform.hash, definitions: definitionsOf(platform) }, at)
  return { applied, ...(await dropSuperseded(metadata, online, await servers.others())) }
}
