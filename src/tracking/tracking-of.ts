/** Tracking put together: each part stands in a file of its own. */
import type { Clock } from '../kernel/clock.ts'
import type { RegistryStore } from '../ports/registry-store.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import type { Registry } from '../registry/index.ts'
import type { Files } from './files.ts'
import { loggedModels } from './logged-models.ts'
import { namedModels } from './named-models.ts'
import { runs } from './runs.ts'
import type { Tracking } from './tracking.ts'
import { versions } from './versions.ts'

export interface TrackingOptions {
  readonly store: TrackingStore
  readonly registryStore: RegistryStore
  readonly registry: Registry
  readonly files: Files
  readonly clock: Clock
}

export function tracking({ store, registryStore, registry, files, clock }: TrackingOptions): Tracking {
  const now = (): number => clock.now()
  return {
    ...runs(store, files, now),
    ...loggedModels(store, now),
    ...namedModels(registryStore, registry),
    ...versions({ registry, registryStore, store, files, now }),
    putFile: files.put,
    openFile: files.open,
    listFiles: files.list,
    deleteFiles: async (path) => {
      await files.remove(path)
    },
  }
}
