/**
 * A database that keeps what it has prepared: to prepare a statement takes longer than to run a short one. One that failed is not kept: it
 * stays unfinished until it is collected, and no transaction could commit before that.
 */
import type Database from 'libsql'

/** Statements of a store have few texts, but those that insert rows differ with how many there are. */
const most = 200

export interface KeptStatements {
  prepare(text: string): {
    readonly reader: boolean
    all(parameters: readonly unknown[]): unknown[]
    run(parameters: readonly unknown[]): { readonly changes: number; readonly lastInsertRowid: number | bigint }
    iterate(parameters: readonly unknown[]): IterableIterator<unknown>
  }
  close(): void
}

export function keepingStatements(database: Database.Database): KeptStatements {
  const kept = new Map<string, Database.Statement>()

  const finish = <T>(text: string, statement: Database.Statement, work: () => T): T => {
    // Taken out while it is in use, and put back as the one used last.
    kept.delete(text)
    const result = work()
    kept.set(text, statement)
    if (kept.size > most) kept.delete(kept.keys().next().value!)
    return result
  }

  return {
    prepare(text: string) {
      const statement = kept.get(text) ?? database.prepare(text)
      return {
        reader: statement.reader,
        all: (parameters: readonly unknown[]) => finish(text, statement, () => statement.all([...parameters])),
        run: (parameters: readonly unknown[]) => finish(text, statement, () => statement.run([...parameters])),
        iterate: (parameters: readonly unknown[]) => statement.iterate([...parameters]),
      }
    },
    close: () => database.close(),
  }
}
