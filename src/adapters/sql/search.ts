/**
 * Searches as SQL, for everything that is searched: runs, experiments, logged models, registered models and versions.
 *
 * A condition on an attribute is one on a column. Tags, parameters and metrics lie in tables of their own, one row for a key; each key that
 * a search names is joined once, so that the database may begin with whichever condition leaves least. Where several rows belong to a key
 * (metrics of a logged model, datasets) a condition holds if it holds for one of them.
 *
 * Values that are missing come last in every order, and numbers that are none before them. NaN equals nothing: of conditions only `!=` holds.
 */
import type { Kysely, RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { SixfoldError } from '../../kernel/errors.ts'
import { bounds } from '../../kernel/limits.ts'
import type { Condition, MeasuredOn, Ordering, Page, Search } from '../../ports/search.ts'
import type { SqlDialect } from './migrate.ts'
import { tableOf } from './table.ts'

type Sql = RawBuilder<unknown>

export interface Searchable {
  /** Where the things lie; in what is given here their row is called `thing`. */
  readonly table: string
  readonly attributes: { readonly [key: string]: Sql }
  readonly values: { readonly [of in Condition['of']]?: ValueTable }
  /** What decides between things that are equal in the order asked for, and makes it whole. */
  readonly ties: Sql
}

export interface ValueTable {
  readonly table: string
  /** Its columns that say whose the values are, and the columns of the thing that they repeat. */
  readonly owner: { readonly [column: string]: string }
  /** The column of the key, beside which stands `value`; left out, a column for each key. */
  readonly key?: string
  /** So many characters at the beginning of the value are in an index of key and value. */
  readonly indexed?: number
  /** Numbers, with `nan` beside them: 1 where the value is none. */
  readonly numbers?: boolean
  /** Given where several rows belong to one key: in this order the first counts, where there can be but one. */
  readonly first?: Sql
}

/**
 * ` from … where … order by … limit … offset …`, to stand after what is selected of `thing`. One more than the limit is asked for:
 * `pageOf` takes it away again. `also` must hold too.
 */
export function matching<Tables>(
  db: Kysely<Tables>,
  { table, attributes, values, ties }: Searchable,
  { where, order, limit, offset }: Search,
  dialect: Pick<SqlDialect, 'like'>,
  also: readonly Sql[] = [],
): Sql {
  refuseTooMuch(where, order)
  const joined = new Map<string, { readonly name: string; readonly table: Sql; readonly on: Sql; needed: boolean }>()

  const valuesOf = (of: Condition['of'], key: string): ValueTable => {
    const found = values[of]
    if (!found) throw invalid(`${of} '${key}' is not what these are searched by`)
    return found
  }
  const columnOf = ({ key }: ValueTable, name: string, asked: string): Sql =>
    sql.ref(`${name}.${key === undefined ? asked : 'value'}`)
  const ownedBy = ({ owner }: ValueTable, name: string): Sql =>
    all(Object.entries(owner).map(([column, own]) => sql`${sql.ref(`${name}.${column}`)} = ${sql.ref(`thing.${own}`)}`))
  const rowsOf = (from: ValueTable, name: string, { key, datasets }: Condition | Ordering): Sql =>
    all([
      ownedBy(from, name),
      ...(from.key === undefined ? [] : [sql`${sql.ref(`${name}.${from.key}`)} = ${key}`]),
      ...onDatasets(name, datasets),
    ])
  /** The table's row of that key, joined under a name. */
  const join = (from: ValueTable, asked: Condition | Ordering, needed: boolean): string => {
    const name = `value_${joined.size}`
    const known = joined.get(idOf(asked))
    if (known) {
      known.needed ||= needed
      return known.name
    }
    joined.set(idOf(asked), {
      name,
      needed,
      table: sql`${from.first ? firstOf(db, from, asked) : tableOf(db, from.table as never)} as ${sql.ref(name)}`,
      on: from.first ? ownedBy(from, name) : rowsOf(from, name, asked),
    })
    return name
  }

  const holds = (condition: Condition): Sql => {
    const { of, key } = condition
    if (of === 'attribute') return compare(attributeOf(attributes, key), condition, dialect)
    const from = valuesOf(of, key)
    if (from.first) {
      const test = compareValue(from, 'one', columnOf(from, 'one', key), condition, dialect)
      const exists = (...more: readonly Sql[]) =>
        sql`exists (select 1 from ${tableOf(db, from.table as never)} as one where ${all([rowsOf(from, 'one', condition), ...more])})`
      if (condition.operator === 'IS NULL') return sql`not ${exists()}`
      if (condition.operator === 'IS NOT NULL') return exists()
      return condition.orAbsent ? sql`(not ${exists()} or ${exists(test)})` : exists(test)
    }
    const absent = condition.operator === 'IS NULL' || condition.orAbsent === true
    const name = join(from, condition, !absent)
    const missing = sql`${sql.ref(`${name}.${Object.keys(from.owner)[0]!}`)} is null`
    if (condition.operator === 'IS NULL') return missing
    if (condition.operator === 'IS NOT NULL') return sql`not ${missing}`
    const test = compareValue(from, name, columnOf(from, name, key), condition, dialect)
    return condition.orAbsent ? sql`(${missing} or ${test})` : test
  }

  const conditions = [...also, ...where.map(holds)]
  const orderings = order.flatMap((ordering): readonly Sql[] => {
    const direction = ordering.descending ? sql`desc` : sql`asc`
    if (ordering.of === 'attribute') {
      const column = attributeOf(attributes, ordering.key)
      return [sql`case when ${column} is null then 1 else 0 end`, sql`${column} ${direction}`]
    }
    const from = valuesOf(ordering.of, ordering.key)
    const name = join(from, ordering, false)
    const column = columnOf(from, name, ordering.key)
    if (!from.numbers) return [sql`case when ${column} is null then 1 else 0 end`, sql`${column} ${direction}`]
    // A condition that only numbers meet leaves the database free to go along its index.
    const numbersOnly = where.some(
      (one) => one.of === ordering.of && one.key === ordering.key && !one.datasets && !from.first && onlyNumbers(one),
    )
    const nan = sql.ref(`${name}.nan`)
    const last = sql`case when ${nan} is null then 2 else ${nan} end`
    return [...(numbersOnly ? [] : [last]), sql`${column} ${direction}`]
  })
  // What an index finds comes first: SQLite, which knows little of what is in a table, keeps the order of a cross join.
  const first = where.find((one) => one.operator === '=' && !one.orAbsent && values[one.of]?.indexed !== undefined)
  const led = first && joined.get(idOf(first))
  const start = led
    ? sql`${led.table} cross join ${tableOf(db, table as never)} as thing`
    : sql`${tableOf(db, table as never)} as thing`
  const joins = [...joined.values()]
    .filter((one) => one !== led)
    .map(({ table: other, on, needed }) => sql`${sql.raw(needed ? 'join' : 'left join')} ${other} on ${on}`)
  if (led) conditions.push(led.on)
  return sql`from ${start} ${sql.join(joins, sql` `)} where ${all(conditions)} order by ${sql.join([
    ...orderings,
    ties,
  ])} limit ${limit + 1} offset ${offset}`
}

export const pageOf = <T>(found: readonly T[], { limit }: Pick<Search, 'limit'>): Page<T> => ({
  items: found.slice(0, limit),
  more: found.length > limit,
})

const idOf = ({ of, key, datasets }: Condition | Ordering): string => JSON.stringify([of, key, datasets ?? []])

/** Of each thing, the row of that key that counts. */
const firstOf = <Tables>(db: Kysely<Tables>, from: ValueTable, { key, datasets }: Condition | Ordering): Sql => {
  const owners = sql.join(Object.keys(from.owner).map((column) => sql.ref(column)))
  return sql`(select * from (select one.*, row_number() over (partition by ${owners} order by ${from.first!}) as place from ${tableOf(db, from.table as never)} as one where ${all(
    [...(from.key === undefined ? [] : [sql`${sql.ref(`one.${from.key}`)} = ${key}`]), ...onDatasets('one', datasets)],
  )}) as placed where place = 1)`
}

const onDatasets = (name: string, datasets: Condition['datasets'] = []): readonly Sql[] => {
  if (datasets.length === 0) return []
  const one = (dataset: MeasuredOn): Sql =>
    all([
      ...(dataset.name === null ? [] : [sql`${sql.ref(`${name}.dataset_name`)} = ${dataset.name}`]),
      ...(dataset.digest === null ? [] : [sql`${sql.ref(`${name}.dataset_digest`)} = ${dataset.digest}`]),
    ])
  return [sql`(${sql.join(datasets.map(one), sql` or `)})`]
}

const attributeOf = (attributes: Searchable['attributes'], key: string): Sql => {
  if (Object.hasOwn(attributes, key)) return attributes[key]!
  throw invalid(`attribute '${key}' is not one of ${Object.keys(attributes).join(', ')}`)
}

function compareValue(
  { numbers, indexed }: ValueTable,
  name: string,
  column: Sql,
  condition: Condition,
  dialect: Pick<SqlDialect, 'like'>,
): Sql {
  const test = compare(column, condition, dialect)
  if (indexed !== undefined && condition.operator === '=')
    return sql`(substr(${column}, 1, ${sql.lit(indexed)}) = substr(${condition.value}, 1, ${sql.lit(indexed)}) and ${test})`
  if (!numbers) return test
  const nan = sql.ref(`${name}.nan`)
  return onlyNumbers(condition) ? sql`(${nan} = 0 and ${test})` : sql`(${nan} = 1 or ${test})`
}

const onlyNumbers = ({ operator, orAbsent }: Condition): boolean =>
  !orAbsent && operator !== '!=' && operator !== 'IS NULL' && operator !== 'IS NOT NULL'

function compare(column: Sql, { operator, value }: Condition, dialect: Pick<SqlDialect, 'like'>): Sql {
  switch (operator) {
    case 'IS NULL':
      return sql`${column} is null`
    case 'IS NOT NULL':
      return sql`${column} is not null`
    case 'LIKE':
    case 'ILIKE':
      return sql`${dialect.like(column, String(value), operator === 'LIKE')}`
    case 'IN':
    case 'NOT IN': {
      const list = (Array.isArray(value) ? value : [value]) as readonly (string | number)[]
      return sql`${column} ${sql.raw(operator.toLowerCase())} (${sql.join(list.map(operand))})`
    }
    default:
      return sql`${column} ${sql.raw(operator)} ${operand(value as string | number)}`
  }
}

/** What is no whole number must say so where the column holds whole numbers. */
const operand = (value: string | number): Sql =>
  typeof value === 'number' && !Number.isSafeInteger(value) ? sql`cast(${value} as double precision)` : sql`${value}`

const all = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? sql`1 = 1` : sql.join([...conditions], sql` and `)

function refuseTooMuch(where: readonly Condition[], order: readonly Ordering[]): void {
  const values = where.reduce(
    (sum, { value, datasets }) => sum + (Array.isArray(value) ? value.length : 1) + (datasets?.length ?? 0),
    0,
  )
  for (const [count, most, what] of [
    [where.length, bounds.searchConditions, 'conditions'],
    [order.length, bounds.searchOrderings, 'orderings'],
    [values, bounds.searchValues, 'values'],
  ] as const)
    if (count > most) throw invalid(`it has ${count} ${what}; ${most} are the most`)
}

const invalid = (why: string): SixfoldError =>
  new SixfoldError('SX_FILTER_INVALID', `The search cannot be made: ${why}.`)
