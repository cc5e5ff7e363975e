/**
 * The view under which readers find the live version. It is replaced in place where its columns stay as they are; where they change it is
 * made anew in the same transaction, with the rights that were granted on it and its comment.
 */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import pg from 'pg'
import { SixfoldError } from '../../kernel/errors.ts'
import { formatInstant } from '../../kernel/instant.ts'
import type { ServingColumn, TableName } from '../../ports/serving-tables.ts'
import type { Place } from './place.ts'
import type { ServingBooks } from './serving-bookkeeping.ts'
import { tableOf } from './serving-bookkeeping.ts'
import { typesOf } from './serving-rows.ts'

type Db = Kysely<ServingBooks>
export const quoted = ({ schema, name }: TableName): string => [schema, name].map(pg.escapeIdentifier).join('.')

interface Found {
  readonly oid: string
  readonly kind: string
  readonly owner: string
  readonly owned: boolean
  /** The version tables that it reads. */
  readonly tables: readonly string[]
}

/** What has the name now. Throws SX_SERVING_TABLE where that is not ours, and where nothing of that name could be made. */
export async function placeFor(db: Db, { schema, user }: Place, table: TableName): Promise<Found | null> {
  const [may] = (
    await sql<{
      usable: boolean
    }>`select has_schema_privilege(oid, 'usage') and has_schema_privilege(oid, 'create') as usable
      from pg_namespace where nspname = ${table.schema}`.execute(db)
  ).rows
  if (may === undefined)
    throw refused(`There is no schema ${pg.escapeIdentifier(table.schema)} for the serving table ${quoted(table)}.`, {
      fix: `As its owner: create schema ${pg.escapeIdentifier(table.schema)} authorization "${user}"; or name another in publish.table.`,
    })
  if (!may.usable)
    throw new SixfoldError('SX_STORE_DENIED', `"${user}" may not make ${quoted(table)}.`, {
      fix: `As its owner: grant usage, create on schema ${pg.escapeIdentifier(table.schema)} to "${user}";`,
    })
  const [found] = (
    await sql<Found>`select c.oid::text as oid, c.relkind as kind,
        pg_get_userbyid(c.relowner)::text as owner, pg_has_role(c.relowner, 'usage') as owned, array(
        select distinct t.relname::text from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
          and d.refclassid = 'pg_class'::regclass
        join pg_class t on t.oid = d.refobjid join pg_namespace s on s.oid = t.relnamespace
        where r.ev_class = c.oid and s.nspname = ${schema} and t.relname ~ '^serving_[0-9a-f]{32}$') as tables
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${table.schema} and c.relname = ${table.name}`.execute(db)
  ).rows
  if (found === undefined) return null
  if (found.kind !== 'v' || found.tables.length === 0)
    throw refused(`${quoted(table)} is there already, and Sixfold did not make it.`, {
      fix: 'Rename it, or name another table in publish.table. Nothing of it was changed.',
    })
  if (!found.owned)
    throw new SixfoldError('SX_STORE_DENIED', `${quoted(table)} belongs to "${found.owner}", not to "${user}".`, {
      fix: `As "${found.owner}": alter view ${quoted(table)} owner to "${user}";`,
    })
  return found
}

export async function showIn(
  db: Db,
  { schema }: Place,
  found: Found | null,
  shown: TableName & {
    readonly run: string
    readonly version: number
    readonly at: number
    readonly columns: readonly ServingColumn[]
  },
): Promise<void> {
  const view = sql.id(shown.schema, shown.name)
  const columns = sql.join(shown.columns.map(({ name }) => sql.id(name)))
  const body = sql`select ${columns}, ${sql.raw(String(shown.version))}::bigint as "_version",
    ${sql.lit(formatInstant(shown.at))}::timestamptz as "_as_of" from ${sql.id(schema, tableOf(shown.run))}`
  if (found === null) {
    await sql`create view ${view} as ${body}`.execute(db)
    return
  }
  const wanted = [
    ...shown.columns.map(({ name, type }) => `${name} ${formatted[type]}`),
    '_version bigint',
    '_as_of timestamp with time zone',
  ]
  const [now] = (
    await sql<{ columns: string[] }>`select array(select attname || ' ' || format_type(atttypid, atttypmod)
      from pg_attribute where attrelid = ${found.oid}::oid and attnum > 0 and not attisdropped order by attnum) as columns`.execute(
      db,
    )
  ).rows
  if (now!.columns.join('\n') === wanted.join('\n')) {
    await sql`create or replace view ${view} as ${body}`.execute(db)
    return
  }
  await checkReaders(db, found.oid, shown)
  const comment = await sql<{
    text: string | null
  }>`select obj_description(${found.oid}::oid, 'pg_class') as text`.execute(db)
  const rights = await rightsOn(db, found.oid)
  await sql`drop view ${view}`.execute(db)
  await sql`create view ${view} as ${body}`.execute(db)
  await grant(db, shown, rights)
  const text = comment.rows[0]?.text ?? null
  if (text !== null) await sql`comment on view ${view} is ${sql.lit(text)}`.execute(db)
}

/** As PostgreSQL writes the types itself. */
const formatted = { ...typesOf, timestamp: 'timestamp with time zone' }

/** What others built on it would go with it. */
async function checkReaders(db: Db, oid: string, table: TableName): Promise<void> {
  const { rows } = await sql<{ name: string }>`select distinct r.ev_class::regclass::text as name from pg_depend d
    join pg_rewrite r on r.oid = d.objid where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
    and d.refobjid = ${oid}::oid and r.ev_class <> ${oid}::oid order by 1`.execute(db)
  if (rows.length === 0) return
  const names = rows.slice(0, 10).map(({ name }) => name)
  throw refused(`The columns of ${quoted(table)} change, and ${names.join(', ')} read it.`, {
    fix: `Drop ${names.length === 1 ? 'that view' : 'those views'}, publish again, and make them anew.`,
  })
}

interface Right {
  readonly grantee: string | null
  readonly right: string
  readonly grantable: boolean
  readonly column: string | null
}

/** Of others than the owner. */
async function rightsOn(db: Db, oid: string): Promise<readonly Right[]> {
  const found =
    await sql<Right>`select case when grantee = 0 then null else pg_get_userbyid(grantee)::text end as grantee,
      privilege_type as right, is_grantable as grantable, attname::text as "column"
    from (
      select c.relowner, a.grantee, a.privilege_type, a.is_grantable, null::name as attname
        from pg_class c, aclexplode(c.relacl) a where c.oid = ${oid}::oid
      union all
      select c.relowner, a.grantee, a.privilege_type, a.is_grantable, t.attname
        from pg_class c join pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped, aclexplode(t.attacl) a
        where c.oid = ${oid}::oid
    ) held where grantee <> relowner`.execute(db)
  return found.rows
}

/** These and no others: what a new view is given by default may have been taken away from the old one. */
async function grant(db: Db, table: TableName, rights: readonly Right[]): Promise<void> {
  const view = sql.id(table.schema, table.name)
  const to = (grantee: string | null) => (grantee === null ? sql`public` : sql.id(grantee))
  const [made] = (
    await sql<{ oid: string; columns: string[] }>`select c.oid::text as oid,
      array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${table.schema} and c.relname = ${table.name}`.execute(db)
  ).rows
  for (const grantee of new Set((await rightsOn(db, made!.oid)).map((one) => one.grantee)))
    await sql`revoke all on ${view} from ${to(grantee)}`.execute(db)
  for (const { grantee, right, grantable, column } of rights) {
    if (column !== null && !made!.columns.includes(column)) continue
    const of = column === null ? sql`` : sql`(${sql.id(column)})`
    const further = grantable ? sql` with grant option` : sql``
    await sql`grant ${sql.raw(right)} ${of} on ${view} to ${to(grantee)}${further}`.execute(db)
  }
}

export const refused = (message: string, { fix }: { readonly fix: string }): SixfoldError =>
  new SixfoldError('SX_SERVING_TABLE', message, { fix })
