/** Tables written down as they are read: each column with its kind, held to the type of the table's rows. */
import type { ColumnDataType, CreateTableBuilder, Expression, Kysely } from 'kysely'
import { sql } from 'kysely'
import type { SqlDialect } from './migrate.ts'

/** '?' where it may be missing; "text ''" is empty where an insert does not name it. 'numbered': the database numbers the rows in the order in which they come. */
type Kind = 'number' | 'number?' | 'real' | 'text' | 'text?' | "text ''" | 'numbered'

interface TableOptions<Column extends string> {
  /** The primary key. */
  readonly key?: readonly Column[]
  /** Rows lie in the order of the key, where the database can do that. */
  readonly byKey?: boolean
  readonly unique?: readonly (readonly Column[])[]
  readonly indexes?: readonly (readonly (Column | `${Column} desc`)[])[]
}

/** How many characters of a value are in its index: no database has room for all of a long one. */
export const indexedCharacters = 64

export function tables<Tables>(db: Kysely<Tables>, { integer, text, identity, keyed }: SqlDialect) {
  const types: { readonly [kind: string]: ColumnDataType | Expression<string> } = {
    number: integer,
    real: 'double precision',
    text,
  }

  const table = async <T extends keyof Tables & string>(
    name: T,
    columns: { readonly [C in keyof Tables[T] & string]: Kind },
    { key, byKey = false, unique = [], indexes = [] }: TableOptions<keyof Tables[T] & string> = {},
  ): Promise<void> => {
    // Of names that were checked above; the builder's own types would be of each table by itself.
    let made = db.schema.createTable(name) as CreateTableBuilder<string, string>
    if (byKey) made = keyed(made as never)
    for (const [column, kind] of Object.entries<Kind>(columns))
      made =
        kind === 'numbered'
          ? made.addColumn(column, integer, identity)
          : made.addColumn(column, types[kind.replace(/\W.*/, '')] as ColumnDataType, (one) =>
              kind.endsWith('?') ? one : kind === "text ''" ? one.notNull().defaultTo('') : one.notNull(),
            )
    if (key !== undefined) made = made.addPrimaryKeyConstraint(`${name}_key`, [...key])
    for (const set of unique) made = made.addUniqueConstraint(`${name}_${set.join('_')}`, [...set])
    await made.execute()
    for (const set of indexes)
      await db.schema
        .createIndex(`${name}_by_${set.join('_').replaceAll(' ', '_')}`)
        .on(name)
        .columns([...set] as never[])
        .execute()
  }

  return {
    table,
    /** Texts kept by key beside what they belong to; those that are `searched` are found by key and how the text begins. */
    values: async (name: keyof Tables & string, owner: string, searched: boolean): Promise<void> => {
      const columns = { [owner]: 'number', key: 'text', value: 'text' } as never
      await table(name, columns, { key: [owner, 'key'] as never, byKey: true })
      if (searched)
        await db.schema
          .createIndex(`${name}_value`)
          .on(name)
          .expression(sql`${sql.ref('key')}, substr(${sql.ref('value')}, 1, ${sql.lit(indexedCharacters)})`)
          .execute()
    },
  }
}
