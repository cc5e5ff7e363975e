/** A table in SQL that is written out: with the schema that queries of this connection go to, which Kysely adds only to what it builds itself. */
import type { Kysely, RawBuilder, TableNode } from 'kysely'
import { sql } from 'kysely'

export function tableOf<Tables>(db: Kysely<Tables>, name: keyof Tables & string): RawBuilder<unknown> {
  const query = (db as unknown as Kysely<{ [name: string]: object }>).selectFrom(name).toOperationNode()
  const { schema } = (query.from!.froms[0] as TableNode).table
  return schema === undefined ? sql.id(name) : sql.id(schema.name, name)
}
