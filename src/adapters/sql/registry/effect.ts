/** What a change comes to: what its entry says, and of which model. And what the effects of several kinds have in common. */
import { SixfoldError } from '../../../kernel/errors.ts'
import type { AuditEntry, Author, Change } from '../../../ports/registry-store.ts'
import type { Db, ModelRow } from './rows.ts'

export interface Effect {
  readonly model: string | null
  readonly version: number | null
  readonly environment: string | null
  readonly details: { readonly [name: string]: unknown }
  /** The model that it is about, by its row. */
  readonly subject: number | null
}
/** What was wanted is so, and this entry made it so. */
export interface NothingToDo {
  readonly entry: AuditEntry
}

type Kind = Change['kind']
export type ChangeOf<K extends Kind> = Extract<Change, { readonly kind: K }>
/** Of each kind, what it does; rejects where what it takes to be so is not. */
export type Effects<K extends Kind = Kind> = {
  readonly [one in K]: (db: Db, change: ChangeOf<one>, by: Author) => Promise<Effect | NothingToDo>
}

export const effect = (
  model: Pick<ModelRow, 'name' | 'seq'> | null,
  version: number | null,
  details: Effect['details'],
  environment: string | null = null,
): Effect => ({ model: model?.name ?? null, version, environment, details, subject: model?.seq ?? null })

export const conflict = (words: string, details: { readonly [name: string]: unknown }): SixfoldError =>
  new SixfoldError('SX_REGISTRY_CONFLICT', words, { details })

/** Tags as a row keeps them, with one set, or removed where the value is null. */
export function withTag(
  json: string,
  key: string,
  value: string | null,
): readonly [after: string, before: string | null] {
  const tags = JSON.parse(json) as { [key: string]: string }
  const before = Object.hasOwn(tags, key) ? tags[key]! : null
  const { [key]: _, ...others } = tags
  return [JSON.stringify(value === null ? others : { ...others, [key]: value }), before]
}
