/**
 * A process of its own that works on the partitions of a run until all are done: `batch-worker.ts NAME RUN PLACE [SCHEMA]`. It says what it
 * takes and what came of it. Now and then it works for longer than it has a partition for, as one that is stopped for a while does.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'

const [, , name, run, place, schema] = process.argv as unknown as readonly [
  string,
  string,
  string,
  string,
  string,
  string?,
]
const { batches } =
  schema === undefined
    ? await sqliteMetadataStore(place)
    : await postgresMetadataStore({ url: place, password: null, schema, patienceMs: 10_000 })
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const leaseMs = 60

for (;;) {
  const taken = await batches.take(run, name, leaseMs)
  if (taken === null) {
    if ((await batches.partitions(run)).every(({ state }) => state === 'done')) break
    await pause(10)
    continue
  }
  const { index, lease } = taken
  say(`taken ${index} ${lease.token}`)
  await pause(Math.random() < 0.2 ? leaseMs * 2 : Math.random() * 20)
  const finished = await batches.finish(run, taken, {
    ...{ sha256: `${name} ${lease.token}`, bytes: 1, rows: taken.rows, profile: 'profile' },
    cost: { inferred: 1, cpuMs: 1, modelMs: 1, wallMs: 1, bytesRead: 1 },
  })
  say(`${finished ? 'finished' : 'lost'} ${index} ${lease.token}`)
}
say('all done')
process.exit(0)
