/** Work that one process at a time may do: under a lease that is renewed while it lasts, and given back when it ends. */
import { SixfoldError } from '../kernel/errors.ts'
import type { BatchStore, Lease } from '../ports/batch-store.ts'

export interface Keeper {
  readonly store: BatchStore
  /** As others see who works. */
  readonly holder: string
  /** What somebody who died held is free after this. */
  readonly leaseMs: number
}

/** Throws SX_BATCH_BUSY where somebody else has it. `signal` is given when the lease is lost, or the caller gives up. */
export async function underLease<T>(
  { store, holder, leaseMs }: Keeper,
  name: string,
  outer: AbortSignal | undefined,
  work: (lease: Lease, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lease = await store.lease(name, holder, leaseMs)
  if (lease === null) {
    const other = await store.holder(name)
    throw new SixfoldError('SX_BATCH_BUSY', `${other?.holder ?? 'Somebody else'} works on it.`, {
      ...(other === null ? {} : { fix: `Wait for it, or ${Math.ceil(other.leftMs / 1000)} s if it has died.` }),
    })
  }
  return keeping({ store, leaseMs }, lease, outer, (signal) => work(lease, signal))
}

/** Renews a lease that is held already. */
export async function keeping<T>(
  { store, leaseMs }: Pick<Keeper, 'store' | 'leaseMs'>,
  lease: Lease,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController()
  const timer = setInterval(() => {
    // A store that is away for a moment loses no lease by itself: what is done under it says whether it was lost.
    store.renew(lease, leaseMs).then(
      (still) => {
        if (!still) lost.abort(lostError(lease))
      },
      () => {},
    )
  }, leaseMs / 3)
  try {
    return await work(outer === undefined ? lost.signal : AbortSignal.any([outer, lost.signal]))
  } finally {
    clearInterval(timer)
    await store.release(lease).catch(() => {})
  }
}

export const lostError = ({ name }: Lease): SixfoldError =>
  new SixfoldError('SX_BATCH_BUSY', `The lease '${name}' ran out, and somebody else took it.`, {
    fix: 'Nothing needs to be done: whoever took it goes on.',
  })
