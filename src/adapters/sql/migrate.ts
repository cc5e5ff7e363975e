/**
 * Brings the tables of a store to their newest form. Whoever calls holds the right to write alone, in one transaction, so that of
 * several processes that open a store at once one migrates it and the others find it done; what fails has changed nothing.
 */
import type { ColumnDataType, ColumnDefinitionBuilder, CreateTableBuilder, Expression, Kysely } from 'kysely'
import { SixfoldError } from '../../kernel/errors.ts'

/** Where the databases differ. */
export interface SqlDialect {
  /** Whole numbers up to 2^53. */
  readonly integer: ColumnDataType
  /** Text that is compared and sorted by its bytes. */
  readonly text: ColumnDataType | Expression<string>
  /** The milliseconds since the epoch, by the database's clock. */
  readonly now: Expression<unknown>
  /** Makes a column of `integer` number its rows in the order in which they come. */
  identity(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder
  exists(db: Kysely<never>, table: string): Promise<boolean>
  /** Lays the rows of a table out in the order of its key, where the database can. */
  keyed<Builder extends CreateTableBuilder<never, never>>(table: Builder): Builder
  /** A pattern with % and _, without a way to escape them. Letters beyond ASCII are told apart by case either way. */
  like(column: Expression<unknown>, pattern: string, caseSensitive: boolean): Expression<unknown>
}

export interface Migrations<Tables> {
  /** The table that keeps how many of the steps were taken. */
  readonly table: string
  /** Each brings the tables one version further; none is ever changed once released. */
  readonly steps: readonly ((db: Kysely<Tables>, dialect: SqlDialect) => Promise<unknown>)[]
}

export async function migrate<Tables>(
  db: Kysely<Tables>,
  { table, steps }: Migrations<Tables>,
  dialect: SqlDialect,
  where: string,
): Promise<void> {
  const versions = db as unknown as Kysely<{ [name: string]: { version: number } }>
  // Asked first: whoever may only read and write rows can open a store that needs no step.
  if (!(await dialect.exists(db as unknown as Kysely<never>, table)))
    await versions.schema
      .createTable(table)
      .addColumn('version', 'integer', (column) => column.notNull())
      .execute()
  const found = await versions.selectFrom(table).select('version').executeTakeFirst()
  const version = found?.version ?? 0
  if (version > steps.length)
    throw new SixfoldError(
      'SX_STORE_NEWER',
      `'${where}' has schema ${version}; this version of Sixfold knows ${steps.length}.`,
    )
  if (version === steps.length) return
  for (const step of steps.slice(version)) await step(db, dialect)
  if (found === undefined) await versions.insertInto(table).values({ version: steps.length }).execute()
  else await versions.updateTable(table).set({ version: steps.length }).execute()
}
