/**
 * What the registry is to be, from its audit alone, and where the present state differs: a stage, an alias or a version that was changed
 * past the audit shows. Holds names and numbers, and nothing of what versions are made of but their manifests.
 */
import { setImmediate as immediate } from 'node:timers/promises'
import type { LiveBatch } from '../../ports/batch-store.ts'
import type { AuditEntry, ModelVersion, RegistryStore, Stage } from '../../ports/registry-store.ts'

interface Replayed {
  readonly manifest: string | null
  validated: boolean
  readonly places: Map<string, Stage>
  readonly evidence: Set<string>
}
interface ReplayedModel {
  readonly versions: Map<number, Replayed>
  readonly aliases: Map<string, number>
}

export interface Replay {
  take(entry: AuditEntry): void
  /** What differs, in sentences. */
  compare(store: RegistryStore): Promise<readonly string[]>
}

const mostProblems = 20

const page = 200

/** All of them, however many; whoever else asks the process for something is let in between. */
async function* versionsOf(store: RegistryStore, name: string): AsyncGenerator<ModelVersion> {
  for (let offset = 0, more = true; more; offset += page) {
    const found = await store.searchVersions({
      where: [{ of: 'attribute', key: 'name', operator: '=', value: name }],
      order: [{ of: 'attribute', key: 'version_number', descending: false }],
      limit: page,
      offset,
    })
    yield* found.items
    more = found.more
    await immediate()
  }
}

export function replay(): Replay {
  const models = new Map<string, ReplayedModel>()
  const keys = new Map<string, boolean>()
  const live = new Map<string, LivePointer>()

  const modelOf = (name: string): ReplayedModel => {
    const found = models.get(name) ?? { versions: new Map(), aliases: new Map() }
    models.set(name, found)
    return found
  }
  const place = (model: string, number: number, environment: string, stage: Stage): void => {
    const version = models.get(model)?.versions.get(number)
    if (version === undefined) return
    if (stage === 'validated') version.validated = true
    version.places.set(environment, stage)
  }

  const take = ({ action, model, version, environment, details }: AuditEntry): void => {
    switch (action) {
      case 'model.created':
        modelOf(model!)
        return
      case 'model.renamed': {
        const moved = modelOf(model!)
        models.delete(model!)
        models.set(String(details['to']), moved)
        return
      }
      case 'model.deleted':
        models.delete(model!)
        return
      case 'version.registered':
        modelOf(model!).versions.set(version!, {
          manifest: manifestIn(details),
          validated: false,
          places: new Map(),
          evidence: new Set(),
        })
        return
      case 'version.deleted': {
        const { versions, aliases } = modelOf(model!)
        versions.delete(version!)
        for (const [alias, number] of aliases) if (number === version) aliases.delete(alias)
        return
      }
      case 'stage.changed': {
        const { to, replaces, archives } = details as {
          readonly to: Stage
          readonly replaces?: number | null
          readonly archives?: readonly number[]
        }
        for (const number of [...(archives ?? []), ...(replaces == null ? [] : [replaces])])
          place(model!, number, environment!, 'archived')
        place(model!, version!, environment!, to)
        return
      }
      case 'evidence.recorded': {
        const { id } = (details['evidence'] ?? details) as { readonly id?: string }
        if (id !== undefined) models.get(model!)?.versions.get(version!)?.evidence.add(id)
        return
      }
      case 'alias.set':
        modelOf(model!).aliases.set(String(details['alias']), version!)
        return
      case 'alias.deleted':
        modelOf(model!).aliases.delete(String(details['alias']))
        return
      case 'key.created': {
        const { id } = (details['key'] ?? details) as { readonly id: string }
        keys.set(id, false)
        return
      }
      case 'key.revoked':
        keys.set(String(details['key']), true)
        return
      case 'batch.published': {
        const { batch, batchVersion, run } = details as { readonly [K in 'batch' | 'run']: string } & {
          readonly batchVersion: number
        }
        live.set(placeOf(environment!, batch), { environment: environment!, batch, version: batchVersion, run })
        return
      }
      default:
    }
  }

  const compareModel = async (
    store: RegistryStore,
    name: string,
    wanted: ReplayedModel,
  ): Promise<readonly string[]> => {
    const found = await store.model(name)
    if (found === null) return [`The model '${name}' is gone, and no entry says so.`]
    const problems: string[] = []
    for (const [alias, number] of wanted.aliases)
      if (found.aliases[alias] !== number)
        problems.push(
          `The alias '${alias}' of '${name}' names ${found.aliases[alias] === undefined ? 'nothing' : `version ${found.aliases[alias]}`}; by the audit it is version ${number}.`,
        )
    for (const [alias, number] of Object.entries(found.aliases))
      if (!wanted.aliases.has(alias))
        problems.push(`The alias '${alias}' of '${name}' names version ${number}, and no entry says so.`)
    const there = new Set<number>()
    for await (const now of versionsOf(store, name)) {
      there.add(now.version)
      const version = wanted.versions.get(now.version)
      if (version === undefined) problems.push(`Version ${now.version} of '${name}' is there, and no entry says so.`)
      else problems.push(...compareVersion(now, version), ...(await missingEvidence(store, now, version)))
      if (problems.length >= mostProblems) return problems
    }
    for (const number of wanted.versions.keys()) {
      if (!there.has(number)) problems.push(`Version ${number} of '${name}' is gone, and no entry says so.`)
      if (problems.length >= mostProblems) return problems
    }
    return problems
  }

  return {
    take,
    compare: async (store) => {
      const problems: string[] = []
      for (const [name, wanted] of models) {
        problems.push(...(await compareModel(store, name, wanted)))
        if (problems.length >= mostProblems) return problems
      }
      for (let offset = 0, more = true; more; offset += 500) {
        const found = await store.searchModels({
          where: [],
          order: [{ of: 'attribute', key: 'name', descending: false }],
          limit: 500,
          offset,
        })
        for (const { name } of found.items)
          if (!models.has(name)) problems.push(`The model '${name}' is there, and no entry says so.`)
        more = found.more
      }
      const known = await store.keys()
      for (const { id, revokedAt } of known)
        if (!keys.has(id)) problems.push(`The key '${id}' is there, and no entry says so.`)
        else if (keys.get(id) !== (revokedAt !== null))
          problems.push(`The key '${id}' is ${revokedAt === null ? 'in force' : 'revoked'}; by the audit it is not.`)
      for (const id of keys.keys())
        if (!known.some((key) => key.id === id)) problems.push(`The key '${id}' is gone, and no entry says so.`)
      problems.push(...compareLive(await store.liveBatches(), live))
      return problems
    },
  }
}

type LivePointer = Pick<LiveBatch, 'environment' | 'batch' | 'version' | 'run'>
const placeOf = (environment: string, batch: string): string => JSON.stringify([environment, batch])

function compareLive(now: readonly LiveBatch[], wanted: ReadonlyMap<string, LivePointer>): readonly string[] {
  const problems: string[] = []
  const there = new Set<string>()
  for (const { environment, batch, version, run } of now) {
    there.add(placeOf(environment, batch))
    const shall = wanted.get(placeOf(environment, batch))
    if (shall?.version === version && shall.run === run) continue
    problems.push(
      `Version ${version} of the batch '${batch}' is live in '${environment}'; by the audit ${shall === undefined ? 'none is' : `it is version ${shall.version}, run ${shall.run}`}.`,
    )
  }
  for (const [place, { environment, batch, version }] of wanted)
    if (!there.has(place))
      problems.push(
        `No version of the batch '${batch}' is live in '${environment}'; by the audit it is version ${version}.`,
      )
  return problems
}

const manifestIn = (details: AuditEntry['details']): string | null => {
  const { manifest } = (details['version'] ?? details) as { readonly manifest?: unknown }
  return typeof manifest === 'string' ? manifest : null
}

function compareVersion(now: ModelVersion, wanted: Replayed): readonly string[] {
  const which = `Version ${now.version} of '${now.model}'`
  const problems: string[] = []
  if (wanted.manifest !== null && now.manifest !== wanted.manifest)
    problems.push(`${which} has the manifest ${now.manifest}; by the audit it is ${wanted.manifest}.`)
  if (now.validated !== wanted.validated)
    problems.push(
      `${which} is ${now.validated ? '' : 'not '}validated; by the audit it is ${wanted.validated ? '' : 'not'}.`.replace(
        ' .',
        '.',
      ),
    )
  for (const environment of new Set([...Object.keys(now.places), ...wanted.places.keys()])) {
    const is = now.places[environment]?.stage ?? (now.validated ? 'validated' : 'registered')
    const shall = wanted.places.get(environment) ?? (wanted.validated ? 'validated' : 'registered')
    if (is !== shall) problems.push(`${which} is ${is} in '${environment}'; by the audit it is ${shall}.`)
  }
  return problems
}

async function missingEvidence(
  store: RegistryStore,
  { model, version }: ModelVersion,
  { evidence }: Replayed,
): Promise<readonly string[]> {
  if (evidence.size === 0) return []
  const there = new Set((await store.evidence(model, version)).map(({ id }) => id))
  return [...evidence]
    .filter((id) => !there.has(id))
    .map((id) => `Evidence ${id} of version ${version} of '${model}' is gone, and no entry says so.`)
}
