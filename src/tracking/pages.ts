/** Searches in pages: what is asked for becomes a search of the store, and what lies beyond it a token for the next page. */
import { SixfoldError } from '../kernel/errors.ts'
import type { MeasuredOn, Page, Search, SearchKind } from '../ports/search.ts'
import type { OrderedField } from './filter/index.ts'
import { parseFilter, parseOrder } from './filter/index.ts'

export interface Query {
  readonly filter: string
  readonly order: readonly (string | OrderedField)[]
  readonly limit: number
  /** The token of the page before. */
  readonly page: string | null
  /** Of logged models: the datasets on which their metrics count. */
  readonly datasets?: readonly MeasuredOn[]
}
export interface Found<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/** Throws SX_FILTER_INVALID, or SX_REQUEST_INVALID for a token that is none. `most` bounds what one page may hold. */
export function searchOf(kind: SearchKind, { filter, order, limit, page, datasets }: Query, most: number): Search {
  return {
    where: parseFilter(kind, filter, datasets),
    order: parseOrder(kind, order),
    limit: checkedLimit(limit, most),
    offset: offsetIn(page),
  }
}

export function checkedLimit(limit: number, most: number): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= most) return limit
  throw new SixfoldError('SX_REQUEST_INVALID', `'max_results' is ${limit}; a page has 1 to ${most} results.`)
}

/** More are no search within experiments, and no statement of a database holds them. */
const mostExperiments = 10_000

/** The experiments to search in, each once. */
export function experimentsOf(ids: readonly string[]): readonly string[] {
  const each = [...new Set(ids)]
  if (each.length <= mostExperiments) return each
  throw new SixfoldError(
    'SX_REQUEST_INVALID',
    `A search is within at most ${mostExperiments} experiments; these are ${each.length}.`,
    { fix: 'Search in some of them at a time.' },
  )
}

export const foundIn = <T>({ items, more }: Page<T>, { offset }: Pick<Search, 'offset'>): Found<T> => ({
  items,
  next: more ? tokenOf(offset + items.length) : null,
})

const tokenOf = (offset: number): string => Buffer.from(JSON.stringify({ offset })).toString('base64')

export function offsetIn(token: string | null): number {
  if (token === null || token === '') return 0
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as { readonly offset?: unknown }
    if (Number.isSafeInteger(offset) && (offset as number) >= 0) return offset as number
  } catch {
    // Whatever it is, it is no token.
  }
  throw new SixfoldError('SX_REQUEST_INVALID', "The 'page_token' is none that an answer gave.", {
    fix: "Send the 'next_page_token' of the page before, with the same search.",
  })
}
