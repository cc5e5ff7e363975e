/**
 * Referring to artifacts that somebody may be collecting. A file that was put before it was collected may be gone when it is referred to, and
 * whoever put it cannot know; so the metadata store refuses the reference, and it is spared, put again, and referred to again.
 */
import { systemClock } from '../../kernel/clock.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { pause, pauseAfter } from '../../kernel/persist.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { RegistryStore } from '../../ports/registry-store.ts'

/** Longer than one who collects takes between condemning and deleting. */
const patienceMs = 40_000
/** The collectors' clocks are those of machines, whatever the clock of a replay says. */
const clock = systemClock()

/**
 * What `refer` gives. `putAgain` puts one that was collected back in its place, or gives false where it cannot: then this rejects with
 * SX_ARTIFACT_CONDEMNED, and whoever has the file sends it again.
 */
export async function referring<T>(
  registry: Pick<RegistryStore, 'spare'>,
  refer: () => Promise<T>,
  putAgain: (sha256: string) => Promise<boolean>,
): Promise<T> {
  const until = performance.now() + patienceMs
  for (let failures = 1; ; failures++)
    try {
      return await refer()
    } catch (error) {
      if (!isSixfoldError(error) || error.code !== 'SX_ARTIFACT_CONDEMNED') throw error
      const named = error.details['artifacts']
      if (!Array.isArray(named)) throw error
      const artifacts = named as readonly string[]
      while ((await registry.spare(artifacts, clock.now())).length > 0) {
        if (performance.now() > until) throw error
        await pause(pauseAfter(failures++))
      }
      for (const sha256 of artifacts)
        if (!(await putAgain(sha256)))
          throw new SixfoldError(
            'SX_ARTIFACT_CONDEMNED',
            `The artifact ${sha256} was collected, because nothing referred to it.`,
            { details: { artifacts: [sha256] }, cause: error },
          )
      if (performance.now() > until) throw error
    }
}

/** For whoever no longer has the file: it is there again where another has put it meanwhile. */
export const asStored =
  (artifacts: Pick<ArtifactStore, 'has'>) =>
  (sha256: string): Promise<boolean> =>
    artifacts.has(sha256)
