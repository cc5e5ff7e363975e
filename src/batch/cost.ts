/** What a run took, and what that is in money. */
import type { Partition } from '../ports/batch-store.ts'
import type { Cost } from './documents.ts'

/** What a unit costs, in whatever currency. */
export interface Rates {
  readonly cpuHour: number
  /** A GiB read or written. */
  readonly gib: number
  readonly currency: string
}

export function costOf(partitions: readonly Partition[], wallMs: number, rates: Rates | null): Cost {
  const outputs = partitions.flatMap(({ output }) => (output === null ? [] : [output]))
  const sum = (of: (output: (typeof outputs)[number]) => number): number =>
    outputs.reduce((total, output) => total + of(output), 0)
  const rows = sum((output) => output.rows)
  const cpuSeconds = sum(({ cost }) => cost.cpuMs) / 1000
  const [bytesRead, bytesWritten] = [sum(({ cost }) => cost.bytesRead), sum(({ bytes }) => bytes)]
  return {
    rows,
    inferred: sum(({ cost }) => cost.inferred),
    wallMs,
    cpuSeconds,
    modelSeconds: sum(({ cost }) => cost.modelMs) / 1000,
    bytesRead,
    bytesWritten,
    price: rates === null ? null : priceOf(rates, cpuSeconds, bytesRead + bytesWritten, rows),
  }
}

function priceOf(rates: Rates, cpuSeconds: number, bytes: number, rows: number): Cost['price'] {
  const total = (cpuSeconds / 3600) * rates.cpuHour + (bytes / 2 ** 30) * rates.gib
  return { total, perThousand: rows === 0 ? 0 : (total / rows) * 1000, currency: rates.currency }
}
