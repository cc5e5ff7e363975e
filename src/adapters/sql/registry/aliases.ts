/** Aliases: each names one version of its model. */
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { Author } from '../../../ports/registry-store.ts'
import type { ChangeOf, Effect, Effects } from './effect.ts'
import { conflict, effect } from './effect.ts'
import { setModel } from './models.ts'
import type { Db, ModelRow, VersionRow } from './rows.ts'
import { both, neededModel, neededVersion, setVersion } from './rows.ts'

export const ofAliases: Effects<'alias.set' | 'alias.deleted'> = {
  'alias.set': set,
  'alias.deleted': async (db, { model: name, alias }, { at }) => {
    const model = await neededModel(db, name)
    const aliases = aliasesOf(model)
    if (!Object.hasOwn(aliases, alias))
      throw new SixfoldError('SX_UNKNOWN_ALIAS', `'${model.name}' has no alias '${shorten(alias)}'.`, {
        details: { model: model.name, alias: shorten(alias) },
      })
    const before = aliases[alias]!
    await moveAlias(db, model, alias, before, null, at)
    return effect(model, before, { alias, before })
  },
}

export const aliasesOf = ({ aliases }: ModelRow): { readonly [alias: string]: number } =>
  JSON.parse(aliases) as { [alias: string]: number }

async function set(db: Db, change: ChangeOf<'alias.set'>, by: Author): Promise<Effect> {
  const { alias, expected } = change
  const [model, version] = await both(db, change)
  const aliases = aliasesOf(model)
  const before = Object.hasOwn(aliases, alias) ? aliases[alias]! : null
  if (expected !== undefined && expected !== before)
    throw conflict(
      `The alias '${alias}' of '${model.name}' names ${before === null ? 'nothing' : `version ${before}`}, not ${expected === null ? 'nothing' : `version ${expected}`}.`,
      { alias, version: before },
    )
  await moveAlias(db, model, alias, before, version, by.at)
  return effect(model, version.version, { alias, before })
}

async function moveAlias(
  db: Db,
  model: ModelRow,
  alias: string,
  before: number | null,
  after: VersionRow | null,
  at: number,
): Promise<void> {
  const { [alias]: _, ...others } = aliasesOf(model)
  const aliases = after === null ? others : { ...others, [alias]: after.version }
  await setModel(db, model, { aliases: JSON.stringify(aliases), updated: at })
  if (before === after?.version) return
  for (const version of [before === null ? null : await neededVersion(db, model, before), after]) {
    if (version === null) continue
    const names = (JSON.parse(version.aliases) as string[]).filter((name) => name !== alias)
    if (version === after) names.push(alias)
    await setVersion(db, version, { aliases: JSON.stringify(names.sort()) })
  }
}
