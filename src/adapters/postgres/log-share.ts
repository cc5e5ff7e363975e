/**
 * Which process takes which topic. Each that follows a group has a row, which it renews and which runs out by itself where it cannot;
 * from the rows that are valid all of them compute the same sharing.
 */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { LogTables } from './log-tables.ts'

/** How long a row is valid without being renewed. */
export const leaseMs = 6_000

export interface Member {
  readonly member: string
  readonly topics: readonly string[]
}

/** Renews this member's row, and gives the valid rows of the group, the oldest first. */
export async function renew(
  db: Kysely<LogTables>,
  schema: string,
  group: string,
  { member, topics }: Member,
): Promise<readonly Member[]> {
  const followers = sql.id(schema, 'log_follower')
  await sql`insert into ${followers} as known ("group", member, topics, until)
    values (${group}, ${member}, ${JSON.stringify(topics)}, now() + ${leaseMs}::int * interval '1 ms')
    on conflict ("group", member) do update set until = excluded.until,
      joined = case when known.until < now() then now() else known.joined end`.execute(db)
  const result = await sql<{ member: string; topics: string }>`
    with gone as (delete from ${followers} where until < now() - interval '1 minute')
    select member, topics from ${followers} where "group" = ${group} and until >= now()
    order by joined, member`.execute(db)
  return result.rows.map((row) => ({ member: row.member, topics: JSON.parse(row.topics) as readonly string[] }))
}

export async function leave(db: Kysely<LogTables>, group: string, member: string): Promise<void> {
  await db.deleteFrom('log_follower').where('group', '=', group).where('member', '=', member).execute()
}

/** Each topic goes to the one of its followers that has the fewest so far, the oldest of those. */
export function shareOf(own: string, members: readonly Member[]): readonly string[] {
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort()
  const counts = new Map(members.map(({ member }) => [member, 0]))
  return topics.filter((topic) => {
    let chosen: string | null = null
    for (const { member, topics: followed } of members)
      if (followed.includes(topic) && (chosen === null || counts.get(member)! < counts.get(chosen)!)) chosen = member
    counts.set(chosen!, counts.get(chosen!)! + 1)
    return chosen === own
  })
}
