/** The registry put together: what each part does stands in a file of its own. */
import type { TrackingStore } from '../ports/tracking-store.ts'
import { collect } from './artifacts/collect.ts'
import { versionFiles } from './artifacts/open-version.ts'
import { verifyAudit } from './audit/verify.ts'
import { diffOf } from './diff.ts'
import type { MovesOptions } from './lifecycle/move.ts'
import { moves } from './lifecycle/move.ts'
import { validateVersion } from './lifecycle/validate.ts'
import { checkAliasName } from './names.ts'
import { changePlainly } from './plain-changes.ts'
import { reading } from './reading.ts'
import { add } from './registration/add.ts'
import type { RegisterOptions } from './registration/register.ts'
import { authorOf, partOf, registerVersion } from './registration/register.ts'
import type { Asker, Registry, VersionDetail } from './registry.ts'
import type { Validator } from './validation/evidence.ts'
import type { Webhooks } from './webhooks/webhooks.ts'

export interface RegistryParts extends Omit<MovesOptions, 'files'> {
  readonly tracking: TrackingStore
  /** Where versions of several files are laid out. */
  readonly folder: string
  readonly validator: Validator
  readonly card: (version: VersionDetail, form: 'markdown' | 'html') => Promise<string>
  readonly lineage: Registry['lineage']
  readonly keys: Pick<Registry, 'keys' | 'createKey' | 'revokeKey'>
  readonly webhooks: Webhooks
}

export function registry(given: RegistryParts): Registry {
  const { store, clock, environment, artifacts, folder, validator } = given
  const { checked, ...webhooks } = given.webhooks
  const options: MovesOptions = { ...given, files: versionFiles(folder, artifacts) }
  const moving = moves(options)
  const read = reading(options, moving)
  const validating = { ...options, moves: moving, validator }

  return {
    environment,
    models: read.models,
    model: read.model,
    version: read.version,
    searchVersions: (search) => store.searchVersions(search),

    change: async (change, asker) =>
      changePlainly(
        change.kind === 'webhook.created' || change.kind === 'webhook.updated' ? await checked(change) : change,
        authorOf(asker, clock),
        options,
      ),
    register: async (wanted, asker) =>
      (await registerVersion(wanted, authorOf(asker, clock), options satisfies RegisterOptions)).version,
    add: (model, path, adding, asker) =>
      add(model, path, adding, asker, {
        ...options,
        moves: moving,
        validate: (version, by) =>
          validateVersion(
            version,
            { data: null, ...(adding.progress && { progress: adding.progress }) },
            partly(by, 'validate'),
            validating,
          ),
      }),
    validate: async (model, version, how, asker) =>
      validateVersion(await read.find(model, String(version)), how, asker, validating),
    consider: moving.consider,
    move: moving.move,
    approve: moving.approve,
    rollback: moving.rollback,
    considerRollback: moving.considerRollback,
    productions: moving.productions,

    setAlias: async (model, alias, version, expected, asker) => {
      checkAliasName(alias)
      await read.find(model, String(version))
      return store.change(
        { kind: 'alias.set', model, alias, version, ...(expected === undefined ? {} : { expected }) },
        authorOf(asker, clock),
      )
    },
    deleteAlias: (model, alias, asker) => store.change({ kind: 'alias.deleted', model, alias }, authorOf(asker, clock)),

    diff: async (model, a, b) => diffOf(await read.find(model, a), await read.find(model, b)),
    lineage: given.lineage,
    card: async (model, version, form) => given.card(await read.version(model, String(version)), form),

    audit: (query) => store.audit(query),
    verifyAudit: (progress) => verifyAudit(store, progress),
    collect: (how, asker, progress) => collect(how, asker, { ...options, tracking: given.tracking }, progress),

    ...given.keys,
    ...webhooks,
  }
}

/** A part of a request has a name of its own where the request has one. */
const partly = (asker: Asker, part: string): Asker =>
  asker.id === undefined ? asker : { ...asker, id: partOf(asker.id, part) }
