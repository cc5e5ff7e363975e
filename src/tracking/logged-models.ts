/** Logged models: what a run made, or what came to be without one. */
import { randomBytes } from 'node:crypto'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { LoggedModel, TrackingStore } from '../ports/tracking-store.ts'
import { checkLength, checkParameter, checkTag, most } from './names.ts'
import { experimentsOf, foundIn, searchOf } from './pages.ts'
import type { Tracking } from './tracking.ts'

type Part = Pick<
  Tracking,
  | 'createLoggedModel'
  | 'loggedModel'
  | 'updateLoggedModel'
  | 'deleteLoggedModel'
  | 'untagLoggedModel'
  | 'searchLoggedModels'
>

const mostOfAPage = 10_000

export function loggedModels(store: TrackingStore, now: () => number): Part {
  const loggedModel = async (id: string): Promise<LoggedModel> => {
    const found = await store.loggedModel(id)
    if (found === null) throw new SixfoldError('SX_UNKNOWN_LOGGED_MODEL', `There is no logged model '${shorten(id)}'.`)
    return found
  }
  const check = (tags: { readonly [key: string]: string }, parameters: { readonly [key: string]: string }): void => {
    for (const [key, value] of Object.entries(tags)) checkTag(key, value, most.loggedModelTag)
    for (const [key, value] of Object.entries(parameters)) checkParameter(key, value)
  }
  return {
    createLoggedModel: async ({ name, ...wanted }) => {
      const id = randomBytes(16).toString('hex')
      const called = name ?? `model-${id.slice(0, 8)}`
      checkName(called)
      check(wanted.tags, wanted.parameters)
      return store.createLoggedModel({ ...wanted, id: `m-${id}`, name: called }, now())
    },
    loggedModel,
    updateLoggedModel: (id, change) => {
      check(change.tags ?? {}, change.parameters ?? {})
      return store.updateLoggedModel(id, change, now())
    },
    deleteLoggedModel: async (id) => {
      await loggedModel(id)
      await store.updateLoggedModel(id, { deleted: true }, now())
    },
    untagLoggedModel: async (id, key) => {
      if (!Object.hasOwn((await loggedModel(id)).tags, key)) return false
      await store.updateLoggedModel(id, { tags: { [key]: null } }, now())
      return true
    },
    searchLoggedModels: async (experiments, query) => {
      const search = searchOf('logged model', query, mostOfAPage)
      return foundIn(await store.searchLoggedModels(experimentsOf(experiments), search), search)
    },
  }
}

/** Its clients find it by its name within a path of a run. */
function checkName(name: string): void {
  if (name === '' || /[/:.%"']/.test(name))
    throw new SixfoldError('SX_REQUEST_INVALID', `A logged model cannot be called '${shorten(name)}'.`, {
      fix: 'Use a name without / : . % and quotes.',
    })
  checkLength('The name of the logged model', name, most.experimentName)
}
