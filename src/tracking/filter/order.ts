/** What a search is ordered by: `metrics.auc DESC`, `start_time`, ``params.`a b` asc``. */
import { bounds } from '../../kernel/limits.ts'
import type { MeasuredOn, Ordering, SearchKind } from '../../ports/search.ts'
import type { Language } from './language.ts'
import { languages } from './language.ts'
import type { Name } from './names.ts'
import { nameAt, named, shown } from './names.ts'
import { refuse, tokensOf } from './tokens.ts'

/** The form in which MLflow sorts logged models: everything after the first dot is the key, whatever characters it has. */
export interface OrderedField {
  readonly field: string
  readonly descending: boolean
  readonly datasets?: readonly MeasuredOn[]
}

export function parseOrder(kind: SearchKind, list: readonly (string | OrderedField)[]): readonly Ordering[] {
  const language = languages[kind]
  if (list.length > bounds.searchOrderings)
    throw refuse('order', 0, `${bounds.searchOrderings} orderings are the most, and it has ${list.length}`)
  const orderings = list.map((one) => (typeof one === 'string' ? fromText(one, language) : fromField(one, language)))
  const seen = new Set<string>()
  for (const { name } of orderings) {
    const id = `${name.of} ${name.key}`
    if (!language.sortedBy.of.includes(name.of))
      throw refuse('order', name.at, `these are sorted by ${language.sortedBy.of.join(', ')}, and not by ${name.of}`)
    if (seen.has(id)) throw refuse('order', name.at, `it names '${name.key}' twice`)
    seen.add(id)
  }
  return orderings.map(({ name, descending, datasets }) => ({
    ...{ of: name.of, key: name.key, descending },
    ...(datasets.length > 0 && name.of === 'metric' ? { datasets } : {}),
  }))
}

interface Read {
  readonly name: Name
  readonly descending: boolean
  readonly datasets: readonly MeasuredOn[]
}

function fromText(text: string, language: Language): Read {
  refuseUnreadable(text)
  const tokens = tokensOf('order', text)
  const { name, taken } = nameAt('order', tokens, 0, language, text.length)
  const direction = tokens[taken]
  const word = direction?.kind === 'word' ? direction.text.toUpperCase() : null
  if (direction && word !== 'ASC' && word !== 'DESC')
    throw refuse('order', direction.at, `ASC or DESC may stand here, not '${shown(direction)}'`)
  const more = tokens[taken + 1]
  if (more) throw refuse('order', more.at, `nothing may follow, and here stands '${shown(more)}'`)
  return { name, descending: word === 'DESC', datasets: [] }
}

function fromField({ field, descending, datasets = [] }: OrderedField, language: Language): Read {
  refuseUnreadable(field)
  const dot = field.indexOf('.')
  const [prefix, rest] = dot < 0 ? ['', field] : [field.slice(0, dot), field.slice(dot + 1)]
  const of = dot < 0 ? 'attribute' : Object.hasOwn(language.prefixes, prefix) ? language.prefixes[prefix]! : null
  const key = rest.length > 1 && rest.startsWith('`') && rest.endsWith('`') ? rest.slice(1, -1) : rest
  return { name: named('order', prefix, of, key, 0, language), descending, datasets }
}

function refuseUnreadable(text: string): void {
  if (text.length > bounds.searchText) throw refuse('order', bounds.searchText, 'it is too long')
  if (text.includes('\0')) throw refuse('order', text.indexOf('\0'), 'it holds a NUL character')
}
