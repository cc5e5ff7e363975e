/**
 * State of views that are no longer defined so. It is kept for as long as a server runs that was started with those definitions, and
 * dropped once none does: so servers can be replaced one after another while they answer.
 */
import type { ServerInfo } from '../api/index.ts'
import { clearGeneration, decodeViewState, patientRead, prefixOf, space, viewStateKey } from '../features/index.ts'
import type { Applied, MetadataStore } from '../ports/metadata-store.ts'
import type { OnlineStore } from '../ports/online-store.ts'

export interface Dropped {
  /** Records of views. */
  readonly dropped: number
  /** Views whose old state is still in use. */
  readonly kept: readonly string[]
}

/** How many platforms back state is looked for. */
const remembered = 50

export async function dropSuperseded(
  metadata: MetadataStore,
  store: OnlineStore,
  servers: readonly ServerInfo[],
): Promise<Dropped> {
  const [current, ...before] = await metadata.history(remembered)
  if (current === undefined) return { dropped: 0, kept: [] }
  const defined = viewsOf(current)
  const used = usedBy(servers, [current, ...before])
  const superseded = new Map(
    before.flatMap((platform) => [...viewsOf(platform)]).filter(([hash]) => !defined.has(hash)),
  )
  const kept = new Set<string>()
  let dropped = 0
  for (const [hash, name] of superseded)
    if (used === 'all' || used.has(hash)) kept.add(name)
    else dropped += await dropState(store, hash, name)
  return { dropped, kept: [...kept] }
}

const viewsOf = ({ definitions }: Applied): ReadonlyMap<string, string> =>
  new Map(definitions.flatMap(({ kind, hash, name }) => (kind === 'view' ? [[hash, name] as const] : [])))

/** The views that running servers were started with; all, where one of them runs what is not remembered. */
function usedBy(servers: readonly ServerInfo[], platforms: readonly Applied[]): ReadonlySet<string> | 'all' {
  const used = new Set<string>()
  for (const { platform } of servers) {
    const applied = platforms.find(({ hash }) => hash === platform)
    if (applied === undefined) return 'all'
    for (const hash of viewsOf(applied).keys()) used.add(hash)
  }
  return used
}

async function dropState(store: OnlineStore, hash: string, name: string): Promise<number> {
  let newest = -1
  await patientRead(store, [viewStateKey(hash)], (_, bytes) => {
    if (bytes === null) return
    const state = decodeViewState(bytes, name)
    newest = Math.max(state.generation, state.run?.generation ?? 0)
  })
  let dropped = 0
  for (let generation = 0; generation <= newest; generation++) dropped += await clearGeneration(store, hash, generation)
  // Last, so that what was not dropped to its end is found again.
  if (newest >= 0) await store.clear(prefixOf(space.view, hash))
  return dropped
}
