/** Registered models and their versions as MLflow's clients see them: with the newest version of each stage, and moved as they are used to. */
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { ModelVersion, RegisteredModel, RegistryStore, Stage } from '../ports/registry-store.ts'
import { stageIn } from '../ports/registry-store.ts'
import type { Ordering } from '../ports/search.ts'
import type { Registry } from '../registry/index.ts'
import { foundIn, searchOf } from './pages.ts'
import type { NamedModel, Tracking } from './tracking.ts'

type Part = Pick<Tracking, 'model' | 'searchModels' | 'version' | 'versionAs' | 'searchVersions' | 'moveVersion'>

const mostModels = 1_000
const mostVersions = 200_000
/** A page ends here, whatever was asked for: each has all that is known of it. */
const versionsOfAPage = 10_000

/** By what versions are told apart that the order asked for leaves equal. */
const lastly: readonly Ordering[] = [
  { of: 'attribute', key: 'name', descending: false },
  { of: 'attribute', key: 'version_number', descending: true },
]
const named = (order: readonly Ordering[], key: string): boolean =>
  order.some((one) => one.of === 'attribute' && one.key === key)

export function namedModels(store: RegistryStore, registry: Registry): Part {
  const { environment } = registry
  const withLatest = async (models: readonly RegisteredModel[]): Promise<readonly NamedModel[]> => {
    const latest = await store.latest(
      models.map(({ name }) => name),
      environment,
    )
    return models.map((model) => ({ ...model, latest: latest.filter((version) => version.model === model.name) }))
  }
  const model = async (name: string): Promise<RegisteredModel> => {
    const found = await store.model(name)
    if (found === null)
      throw new SixfoldError('SX_UNKNOWN_MODEL', `There is no model '${shorten(name)}' in the registry.`)
    return found
  }
  const version = async (name: string, number: number): Promise<ModelVersion> => {
    const found = await store.version(name, number)
    if (found !== null) return found
    await model(name)
    throw new SixfoldError('SX_UNKNOWN_VERSION', `'${shorten(name)}' has no version ${number}.`)
  }

  return {
    model: async (name) => (await withLatest([await model(name)]))[0]!,
    searchModels: async (query) => {
      const search = searchOf('registered model', query, mostModels)
      const { items, next } = foundIn(await store.searchModels(search), search)
      return { items: await withLatest(items), next }
    },
    version,
    versionAs: async (name, alias) => {
      const { aliases } = await model(name)
      if (!Object.hasOwn(aliases, alias))
        throw new SixfoldError('SX_UNKNOWN_ALIAS', `'${shorten(name)}' has no alias '${shorten(alias)}'.`)
      return version(name, aliases[alias]!)
    },
    searchVersions: async (query) => {
      const asked = searchOf('model version', query, mostVersions)
      const order =
        asked.order.length === 0 ? [] : [...asked.order, ...lastly.filter((one) => !named(asked.order, one.key))]
      const search = { ...asked, order, limit: Math.min(asked.limit, versionsOfAPage) }
      return foundIn(await store.searchVersions(search), search)
    },
    moveVersion: async (name, number, to, archiveOthers, asker) => {
      if (archiveOthers && to !== 'staging' && to !== 'production')
        throw new SixfoldError(
          'SX_REQUEST_INVALID',
          'Only of Staging and Production the other versions can be archived.',
        )
      const before = await version(name, number)
      const wanted: Stage = to === 'none' ? (before.validated ? 'validated' : 'registered') : to
      if (stageIn(before, environment) !== wanted) await registry.move(name, number, wanted, { archiveOthers }, asker)
      else if (archiveOthers && (to === 'staging' || to === 'production'))
        for (const other of await store.placed(name, environment, to))
          if (other !== number)
            await registry.move(name, other, 'archived', {}, { actor: asker.actor, reason: asker.reason })
      return version(name, number)
    },
  }
}
