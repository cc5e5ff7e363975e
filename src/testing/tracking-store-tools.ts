/** What cases of the tracking store are made with. */
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Metric, NewRun, TrackingStore } from '../ports/tracking-store.ts'
import type { ContractCase } from './contract.ts'

export const idOf = (number: number): string => number.toString(16).padStart(32, '0')
export const modelIdOf = (number: number): string => `m-${idOf(number)}`

export const newRun = (number: number, more: Partial<NewRun> = {}): NewRun => ({
  ...{ id: idOf(number), experiment: '0', name: `run ${number}`, user: 'someone', startedAt: 1_000 + number, tags: {} },
  ...more,
})

export const metric = (key: string, value: number, more: Partial<Metric> = {}): Metric => ({
  ...{ key, value, at: 1_700_000_000_000, step: 0, dataset: null, model: null },
  ...more,
})

export function inOpened(
  open: () => Promise<MetadataStore>,
  again: (store: MetadataStore) => Promise<MetadataStore>,
): {
  readonly named: (name: string, body: (store: TrackingStore) => Promise<void>) => ContractCase
  readonly beside: (name: string, body: (store: TrackingStore, other: TrackingStore) => Promise<void>) => ContractCase
} {
  const named = (name: string, body: (store: TrackingStore) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const store = await open()
      try {
        await body(store.tracking)
      } finally {
        await store.close()
      }
    },
  })
  return {
    named,
    beside: (name, body) => ({
      name,
      run: async () => {
        const store = await open()
        try {
          const other = await again(store)
          try {
            await body(store.tracking, other.tracking)
          } finally {
            await other.close()
          }
        } finally {
          await store.close()
        }
      },
    }),
  }
}
