/** What a condition or an order is about: `metrics.acc`, ``tags.`a b` ``, `attributes.start_time`, `start_time`. */
import { shorten } from '../../kernel/shorten.ts'
import type { Condition } from '../../ports/search.ts'
import type { Language } from './language.ts'
import type { Token } from './tokens.ts'
import { refuse } from './tokens.ts'

export interface Name {
  readonly of: Condition['of']
  readonly key: string
  readonly at: number
}

/** Reads a name from the token at `from`; gives as well how many tokens it took. */
export function nameAt(
  what: 'filter' | 'order',
  tokens: readonly Token[],
  from: number,
  language: Language,
  end: number,
): { readonly name: Name; readonly taken: number } {
  const first = tokens[from]
  const at = first?.at ?? end
  if (!first || (first.kind !== 'word' && (first.kind !== 'quoted' || first.quote === "'")))
    throw refuse(
      what,
      at,
      `a name must stand here, such as ${example(language)}${first ? `, not '${shown(first)}'` : ''}`,
    )
  const parts = [first]
  let taken = 1
  while (isDot(tokens[from + taken])) {
    const part = tokens[from + taken + 1]
    if (!part || part.at !== tokens[from + taken]!.end || (part.kind !== 'word' && part.kind !== 'quoted'))
      throw refuse(what, tokens[from + taken]!.end, 'a name must stand after the dot')
    parts.push(part)
    taken += 2
  }
  if (parts.length === 1) return { name: attribute(what, first.text, at, language), taken }
  if (parts.length > 2 && parts.slice(1).some(({ kind }) => kind === 'quoted'))
    throw refuse(what, parts[1]!.at, 'a name is quoted as a whole, from after the first dot to its end')
  const prefix = first.text
  const of = first.quote === '"' || !Object.hasOwn(language.prefixes, prefix) ? null : language.prefixes[prefix]!
  const key = parts
    .slice(1)
    .map((part) => part.text)
    .join('.')
  return { name: named(what, prefix, of, key, at, language), taken }
}

export function named(
  what: 'filter' | 'order',
  prefix: string,
  of: Condition['of'] | null,
  key: string,
  at: number,
  language: Language,
): Name {
  const prefixes = Object.keys(language.prefixes)
  if (of === null) throw refuse(what, at, `'${shorten(prefix)}' is none of ${prefixes.join(', ')}`)
  if (of === 'attribute') return attribute(what, key, at, language)
  if (of === 'dataset' && !datasetKeys.includes(key))
    throw refuse(what, at, `of a dataset there is ${datasetKeys.join(', ')}, not '${shorten(key)}'`)
  return { of, key, at }
}

const datasetKeys = ['name', 'digest', 'context']

function attribute(what: 'filter' | 'order', asked: string, at: number, language: Language): Name {
  const key = Object.hasOwn(language.aliases, asked) ? language.aliases[asked]! : asked
  const known = what === 'filter' ? Object.keys(language.attributes) : language.sortedBy.attributes
  if (!known.includes(key))
    throw refuse(what, at, `there is no attribute '${shorten(asked)}'; there is ${known.join(', ')}`)
  return { of: 'attribute', key, at }
}

const isDot = (token: Token | undefined): boolean => token?.kind === 'mark' && token.text === '.'
const example = ({ values }: Language): string =>
  values.metric ? 'metrics.accuracy or params.`learning rate`' : 'name or tags.team'
export const shown = ({ text, quote }: Token): string => shorten(`${quote ?? ''}${text}${quote ?? ''}`, 40)
