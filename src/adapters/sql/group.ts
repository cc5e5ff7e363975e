/**
 * What waits to be written while a commit is under way is written in one transaction after it, each part in a savepoint of its own: so many
 * share one write to the disk, and what fails takes nothing else with it. Each is answered once all of it is durable.
 */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { GroupCommit } from '../group-commit.ts'

type Work<Tables> = (db: Kysely<Tables>) => Promise<unknown>
interface Waiting<Tables> {
  readonly work: Work<Tables>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** More would keep whoever came first waiting for long. */
const most = 64

/** `transact` makes one transaction of what it is given. */
export function groupedTransactions<Tables>(
  transact: (work: (db: Kysely<Tables>) => Promise<void>) => Promise<void>,
): <T>(work: (db: Kysely<Tables>) => Promise<T>) => Promise<T> {
  const waiting: Waiting<Tables>[] = []
  const write = async (group: readonly Waiting<Tables>[]): Promise<void> => {
    const settle: (() => void)[] = []
    try {
      await transact(async (connection) => {
        const [only] = group
        // Alone, the transaction itself is what fails whole.
        if (group.length === 1) {
          const value = await only!.work(connection)
          settle.push(() => only!.resolve(value))
        } else for (const one of group) settle.push(await apart(connection, one))
      })
      for (const tell of settle) tell()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
  const commit = new GroupCommit(() => (waiting.length === 0 ? null : write(waiting.splice(0, most))), true)

  return <T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      commit.within(0)
    })
}

async function apart<Tables>(db: Kysely<Tables>, { work, resolve, reject }: Waiting<Tables>): Promise<() => void> {
  await sql`savepoint apart`.execute(db)
  try {
    const value = await work(db)
    await sql`release apart`.execute(db)
    return () => resolve(value)
  } catch (error) {
    // Where the whole transaction has ended by itself, as on a full disk, there is none to go back to: then it failed for all.
    await sql`rollback to apart`.execute(db).catch(() => {
      throw error
    })
    await sql`release apart`.execute(db)
    return () => reject(error)
  }
}
