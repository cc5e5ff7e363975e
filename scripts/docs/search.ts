/** docs/reference/search.md, from what filters may say of each kind of thing. */
import { bounds } from '../../src/kernel/limits.ts'
import type { SearchKind } from '../../src/ports/search.ts'
import type { Language, Rule } from '../../src/tracking/filter/language.ts'
import { languages } from '../../src/tracking/filter/language.ts'
import { header, table } from './markdown.ts'

const titles: { readonly [kind in SearchKind]: string } = {
  run: 'Runs',
  experiment: 'Experiments',
  'logged model': 'Logged models',
  'registered model': 'Registered models',
  'model version': 'Versions of models',
}
const shownAs: { readonly [value in Rule['value']]: string } = {
  text: "`'text'`",
  loose: "`'text'`, or a word or number without quotes",
  number: '`0.5`',
  whole: '`5`',
  id: "`'5'`",
  version: "`5` or `'5'`",
}

const code = (text: string): string => `\`${text}\``
const row = (name: string, { operators, value }: Rule): readonly string[] => [
  name,
  operators.map(code).join(' '),
  shownAs[value],
]

function section(kind: SearchKind, { prefixes, values, attributes, aliases, sortedBy }: Language): string {
  const prefixesOf = (wanted: string): string =>
    Object.entries(prefixes)
      .filter(([, of]) => of === wanted)
      .map(([prefix]) => code(`${prefix}.`))
      .join(' ')
  const others = Object.entries(aliases).map(([alias, name]) => `${code(alias)} is ${code(name)}`)
  return `## ${titles[kind]}

${table(
  ['Of what', 'Compared with', 'Value'],
  [
    ...Object.entries(attributes).map(([name, rule]) => row(code(name), rule)),
    ...Object.entries(values).map(([of, rule]) => row(`${prefixesOf(of)} and a key`, rule)),
  ],
)}

Before the name of an attribute may stand ${prefixesOf('attribute')}.${others.length > 0 ? ` ${others.join(', ')}.` : ''} Sorted by ${[
    ...sortedBy.attributes.map(code),
    ...sortedBy.of.filter((of) => of !== 'attribute').map((of) => `a ${of}`),
  ].join(', ')}.
`
}

export function search(): string {
  return `${header('Search', 'src/tracking/filter')}Filters and orders of MLflow's API, and of the registry's. They are MLflow's own language.

A filter is conditions joined by \`AND\`, which all must hold: \`\`metrics.auc > 0.8 AND params.\`learning rate\` = '0.1'\`\`.

- A name without a dot is an attribute. Of other names what stands before the first dot says what it is of, and the rest is the key.
- A key with other characters than letters, digits, \`_\` and dots stands in backticks, or in quotes: \`tags."a b"\`.
- Text stands in single or double quotes; the same quote within is written twice. A list stands in brackets: \`run_id IN ('a', 'b')\`.
- \`LIKE\` tells small letters from capitals and \`ILIKE\` does not, of ASCII. \`%\` stands for any characters, \`_\` for one; nothing escapes them.
- A condition on what is not there does not hold, unless it is \`IS NULL\`. NaN is unequal to every number. A metric of a run is its latest value.
- At most ${bounds.searchConditions} conditions, ${bounds.searchOrderings} orderings and ${bounds.searchValues.toLocaleString('en')} values. What cannot be read is refused with \`SX_FILTER_INVALID\`, which says at which character.

An order is a name, and \`ASC\` or \`DESC\`: \`metrics.auc DESC\`. What lacks the value comes last, NaN before it; the newest of equals first.

Registered models and versions are searched without MLflow's prompts, unless the filter asks for them.

${(Object.keys(titles) as SearchKind[]).map((kind) => section(kind, languages[kind])).join('\n')}`
}
