/** Stores as they read in a terminal: one table, then what each says of itself, then what is wrong. */
import type { NamedStoreReport } from '../api/index.ts'
import type { StoreProblem } from '../ports/inspection.ts'
import { table } from './text.ts'

export const storeTable = (stores: readonly NamedStoreReport[]): string =>
  table(
    ['store', 'technology', 'version', 'round trip', 'where'],
    stores.map(({ port, report: { technology, version, roundTripMs, where } }) => [
      port,
      technology,
      version ?? '–',
      roundTripMs === null ? '–' : `${roundTripMs.toFixed(2)} ms`,
      where,
    ]),
  )

export const factLines = (stores: readonly NamedStoreReport[]): readonly string[] =>
  stores.flatMap(({ port, report: { facts } }) =>
    facts.length === 0 ? [] : [`${port}: ${facts.map(({ name, value }) => `${name} ${value}`).join(', ')}`],
  )

export const problemLines = (problems: readonly (StoreProblem & { readonly of: string })[]): readonly string[] =>
  problems.flatMap(({ of, severity, what, fix }) => [
    `${severity === 'error' ? '✗' : '!'} ${of}: ${what}`,
    `  → ${fix}`,
  ])

export const problemsOf = (stores: readonly NamedStoreReport[]): readonly (StoreProblem & { readonly of: string })[] =>
  stores.flatMap(({ port, report: { problems } }) => problems.map((problem) => ({ of: port, ...problem })))
