/** A filter as conditions that all hold: `metrics.auc > 0.8 AND tags.team = 'pricing'`. */
import { bounds } from '../../kernel/limits.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Condition, MeasuredOn, Operator, SearchKind } from '../../ports/search.ts'
import type { Language, Rule } from './language.ts'
import { languages } from './language.ts'
import type { Name } from './names.ts'
import { nameAt, shown } from './names.ts'
import { prompts } from './prompts.ts'
import type { Token } from './tokens.ts'
import { refuse, tokensOf } from './tokens.ts'

/** `datasets` are those on which metrics of a logged model count; none given, wherever they were measured. */
export function parseFilter(
  kind: SearchKind,
  text: string,
  datasets: readonly MeasuredOn[] = [],
): readonly Condition[] {
  const conditions = conditionsOf(languages[kind], text)
  if (kind === 'registered model' || kind === 'model version') return prompts(conditions)
  if (datasets.length === 0) return conditions
  return conditions.some(({ of }) => of === 'metric')
    ? conditions.map((one) => (one.of === 'metric' ? { ...one, datasets } : one))
    : [...conditions, { of: 'dataset', key: 'name', operator: 'IS NOT NULL', value: null, datasets }]
}

function conditionsOf(language: Language, text: string): readonly Condition[] {
  if (text.length > bounds.searchText)
    throw refuse('filter', bounds.searchText, `${bounds.searchText} characters are the most, and it has ${text.length}`)
  if (text.includes('\0')) throw refuse('filter', text.indexOf('\0'), 'it holds a NUL character')
  const tokens = tokensOf('filter', text)
  const conditions: Condition[] = []
  let from = 0
  while (from < tokens.length) {
    if (conditions.length > 0) {
      const between = tokens[from]!
      if (!isWord(between, 'AND'))
        throw refuse('filter', between.at, `conditions are joined by AND alone, and here stands '${shown(between)}'`)
      from += 1
    }
    if (conditions.length === bounds.searchConditions)
      throw refuse('filter', tokens[from - 1]!.at, `${bounds.searchConditions} conditions are the most`)
    const { name, taken } = nameAt('filter', tokens, from, language, text.length)
    from += taken
    const compared = comparison(tokens, from, name, language, text.length)
    conditions.push({ of: name.of, key: name.key, operator: compared.operator, value: compared.value })
    from = compared.next
  }
  return conditions
}

interface Compared {
  readonly operator: Operator
  readonly value: Condition['value']
  readonly next: number
}

function comparison(tokens: readonly Token[], from: number, name: Name, language: Language, end: number): Compared {
  const rule = name.of === 'attribute' ? language.attributes[name.key]! : language.values[name.of]!
  const { operator, next } = operatorAt(tokens, from, end)
  if (!rule.operators.includes(operator as Operator))
    throw refuse(
      'filter',
      tokens[from]!.at,
      `${called(name)} is compared with ${rule.operators.join(', ')}, not with '${shorten(operator, 20)}'`,
    )
  switch (operator) {
    case 'IS NULL':
    case 'IS NOT NULL':
      return { operator, value: null, next }
    case 'IN':
    case 'NOT IN':
      return { operator, ...listAt(tokens, next, name, rule, end) }
    default:
      return { operator: operator as Operator, value: valueAt(tokens[next], name, rule, end), next: next + 1 }
  }
}

/** An operator may be of several words. One that there is not is given as it stands. */
function operatorAt(
  tokens: readonly Token[],
  from: number,
  end: number,
): { readonly operator: string; readonly next: number } {
  const [first, second, third] = [tokens[from], tokens[from + 1], tokens[from + 2]]
  if (!first) throw refuse('filter', end, 'a comparison must follow the name')
  if (isWord(first, 'IS') && isWord(second, 'NULL')) return { operator: 'IS NULL', next: from + 2 }
  if (isWord(first, 'IS') && isWord(second, 'NOT') && isWord(third, 'NULL'))
    return { operator: 'IS NOT NULL', next: from + 3 }
  if (isWord(first, 'NOT') && isWord(second, 'IN')) return { operator: 'NOT IN', next: from + 2 }
  if (first.kind !== 'operator' && first.kind !== 'word')
    throw refuse('filter', first.at, `a comparison must stand here, not '${shown(first)}'`)
  return { operator: first.kind === 'word' ? first.text.toUpperCase() : first.text, next: from + 1 }
}

function listAt(
  tokens: readonly Token[],
  from: number,
  name: Name,
  rule: Rule,
  end: number,
): { readonly value: readonly (string | number)[]; readonly next: number } {
  if (!isMark(tokens[from], '('))
    throw refuse('filter', tokens[from]?.at ?? end, "a list must stand here, such as ('a', 'b')")
  const values: (string | number)[] = []
  let at = from + 1
  while (!isMark(tokens[at], ')')) {
    if (values.length > 0) {
      if (!isMark(tokens[at], ',')) throw refuse('filter', tokens[at]?.at ?? end, 'a comma or ) must stand here')
      at += 1
      if (isMark(tokens[at], ')')) break
    }
    values.push(valueAt(tokens[at], name, rule, end))
    at += 1
  }
  if (values.length === 0) throw refuse('filter', tokens[from]!.at, 'the list has nothing in it')
  return { value: values, next: at + 1 }
}

function valueAt(token: Token | undefined, name: Name, rule: Rule, end: number): string | number {
  const at = token?.at ?? end
  const instead = token ? `, not '${shown(token)}'` : ''
  const isText = token?.kind === 'quoted' && token.quote !== '`'
  if (rule.value === 'text' || rule.value === 'loose') {
    if (isText || (rule.value === 'loose' && (token?.kind === 'word' || token?.kind === 'number')))
      return name.of === 'attribute' && name.key === 'status' ? token!.text.replace(/^LOGGED_MODEL_/, '') : token!.text
    throw refuse('filter', at, `the value of ${called(name)} stands in quotes, such as 'a'${instead}`)
  }
  if (rule.value === 'number') {
    if (token?.kind === 'number') return Number(token.text)
    throw refuse('filter', at, `the value of ${called(name)} is a number${instead}`)
  }
  const fits = { id: isText, whole: token?.kind === 'number', version: isText || token?.kind === 'number' }[rule.value]
  if (token && fits && /^-?\d{1,15}$/.test(token.text)) return Number(token.text)
  const quoted = rule.value === 'id' ? ' in quotes' : ''
  throw refuse('filter', at, `the value of ${called(name)} is a whole number${quoted}${instead}`)
}

const called = ({ of, key }: Name): string => `${of} '${shorten(key)}'`
const isWord = (token: Token | undefined, wanted: string): boolean =>
  token?.kind === 'word' && token.text.toUpperCase() === wanted
const isMark = (token: Token | undefined, wanted: string): boolean => token?.kind === 'mark' && token.text === wanted
