/** What the registry knows, as it leaves: instants are ISO 8601 like everywhere else; documents and details leave as they were written. */
import type { AuditEntry, Registry } from '../api/index.ts'
import { formatInstant } from '../kernel/instant.ts'

type Answer<Method extends keyof Registry> = Registry[Method] extends (...args: never[]) => Promise<infer T> ? T : never
type Model = Answer<'models'>['items'][number]
type Version = Answer<'version'>

/** The named members as text; null stays null. */
export type Dated<T, K extends keyof T> = Omit<T, K> & {
  readonly [M in K]: null extends T[M] ? string | null : string
}
export function dated<T extends object, K extends keyof T>(value: T, ...names: readonly K[]): Dated<T, K> {
  const copy = { ...value } as Record<K, unknown>
  for (const name of names) copy[name] = value[name] === null ? null : formatInstant(value[name] as number)
  return copy as unknown as Dated<T, K>
}

export const entryAnswer = (entry: AuditEntry) => dated(entry, 'at')

export const summaryAnswer = <M extends Model>(model: M) => dated(model, 'createdAt', 'updatedAt')

export function modelAnswer({ list, productions, pending, ...model }: Answer<'model'>) {
  return {
    ...summaryAnswer(model),
    list: list.map((version) => dated(version, 'at')),
    productions: productions.map((period) => dated(period, 'from', 'until')),
    pending: pending === null ? null : dated(pending, 'at'),
  }
}

export function versionAnswer({ places, facts, evidence, approvals, history, ...version }: Version) {
  return {
    ...dated(version, 'at', 'updatedAt'),
    places: Object.fromEntries(Object.entries(places).map(([name, place]) => [name, dated(place, 'at')])),
    facts: { ...facts, data: facts.data === null ? null : dated(facts.data, 'from', 'to') },
    evidence: evidence.map((one) => dated(one, 'at')),
    approvals: approvals.map((one) => dated(one, 'at')),
    history: history.map(entryAnswer),
  }
}

export const keyAnswer = (key: Answer<'keys'>[number]) => dated(key, 'at', 'expiresAt', 'revokedAt')
export const webhookAnswer = (webhook: Answer<'webhooks'>[number]) => dated(webhook, 'createdAt', 'updatedAt')

export type ModelAnswer = ReturnType<typeof modelAnswer>
export type SummaryAnswer = ReturnType<typeof summaryAnswer<Model>>
export type VersionAnswer = ReturnType<typeof versionAnswer>
export type EntryAnswer = ReturnType<typeof entryAnswer>
export type KeyAnswer = ReturnType<typeof keyAnswer>
