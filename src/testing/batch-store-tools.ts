/** What cases of the batch store are made with. */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type {
  BatchChange,
  BatchRun,
  BatchStore,
  Lease,
  NewBatchRun,
  NewPartition,
  PartitionOutput,
  TakenPartition,
} from '../ports/batch-store.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Author } from '../ports/registry-store.ts'
import type { ContractCase } from './contract.ts'
import { check } from './contract.ts'

/** Longer than any case takes. */
export const long = 600_000

export const newRun = (more: Partial<NewBatchRun> = {}): NewBatchRun => {
  const id = randomBytes(16).toString('hex')
  return {
    ...{ id, batch: 'delays', environment: 'here', occasion: id, at: 1_700_000_000_123, from: null, reason: 'manual' },
    ...{ actor: 'local:tester', engine: 'local', definition: 'd', model: 'late', modelVersion: 3 },
    modelFile: sha('model'),
    ...more,
  }
}

export const sha = (text: string): string => text.padEnd(64, '0')

export const outputOf = (name: string): PartitionOutput => ({
  ...{ sha256: sha(`file-${name}`), bytes: 2 ** 40, rows: 10, profile: sha(`profile-${name}`) },
  cost: { inferred: 9, cpuMs: 0.1 + 0.2, modelMs: 1e-9, wallMs: 12.5, bytesRead: 2 ** 41 },
})

export const parts = (count: number): readonly NewPartition[] =>
  Array.from({ length: count }, (_, index) => ({ index, rows: 10 + index, input: { part: index } }))

export const author = (at = 1_000, more: Partial<Author> = {}): Author => ({
  ...{ id: randomBytes(16).toString('hex'), actor: 'local:tester', reason: 'to see', at },
  ...more,
})

/** What a change says of a run. */
export const aboutRun = ({ id, batch, environment, version, model, modelVersion }: BatchRun) => ({
  ...{ run: id, batch, environment, version, model, modelVersion },
})

export const publishing = (
  run: BatchRun,
  replaces: number | null,
  more: Partial<Extract<BatchChange, { kind: 'batch.published' }>> = {},
): BatchChange => ({ kind: 'batch.published', ...aboutRun(run), replaces, verdict: 'passed', rollback: false, ...more })

export async function leaseOf(store: BatchStore, run: string, holder = 'worker'): Promise<Lease> {
  const lease = await store.lease(`run/${run}`, holder, long)
  check(lease !== null, `the lease of run ${run} is not free`)
  return lease
}

export async function scoring(
  store: BatchStore,
  partitions: readonly NewPartition[],
  more: Partial<NewBatchRun> = {},
): Promise<{ readonly run: BatchRun; readonly lease: Lease }> {
  const run = await store.begin(newRun(more))
  const lease = await leaseOf(store, run.id)
  check(await store.planned(run.id, lease, { rows: 1 }, partitions), 'a run that is being planned is not planned')
  return { run, lease }
}

/** A run of one partition that has gone as far as that. */
export async function ended(
  store: BatchStore,
  state: 'passed' | 'refused' | 'auditing' | 'failed',
  more: Partial<NewBatchRun> = {},
): Promise<BatchRun> {
  const { run, lease } = await scoring(store, parts(1), more)
  const taken = await taking(store, run.id)
  check(await store.finish(run.id, taken, outputOf(run.id.slice(0, 8))), 'a partition that is had is not finished')
  check(await store.advance(run.id, lease, 'scoring', 'auditing', {}), 'a scored run is not audited')
  if (state !== 'auditing')
    check(await store.advance(run.id, lease, 'auditing', state, { verdict: { passed: state } }), `it is not ${state}`)
  await store.release(lease)
  return run
}

export async function taking(store: BatchStore, run: string, ms = long, holder = 'worker'): Promise<TakenPartition> {
  const taken = await store.take(run, holder, ms)
  check(taken !== null, 'there is no partition to take')
  return taken
}

/** Until what was had for `ms` has run out, by a clock that shows no less than milliseconds. */
export const runOut = (ms: number): Promise<void> => pause(ms + 15)

interface Opened {
  readonly named: (name: string, body: (store: BatchStore, whole: MetadataStore) => Promise<void>) => ContractCase
  readonly beside: (
    name: string,
    body: (store: BatchStore, other: BatchStore, whole: MetadataStore, otherWhole: MetadataStore) => Promise<void>,
  ) => ContractCase
}

/** Cases with a store of their own, or with two at once over the same data. */
export function inOpened(
  open: () => Promise<MetadataStore>,
  again: (store: MetadataStore) => Promise<MetadataStore>,
): Opened {
  const named: Opened['named'] = (name, body) => ({
    name,
    run: async () => {
      const store = await open()
      try {
        await body(store.batches, store)
      } finally {
        await store.close()
      }
    },
  })
  return {
    named,
    beside: (name, body) =>
      named(name, async (store, whole) => {
        const other = await again(whole)
        try {
          await body(store, other.batches, whole, other)
        } finally {
          await other.close()
        }
      }),
  }
}
