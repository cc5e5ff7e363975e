/** What runs where: the servers that share these stores, the stores, and what waits in the log. */
import type { Status } from '../data/wire.ts'
import { Lag } from './Lag.tsx'
import { Servers } from './Servers.tsx'
import { StoreCard } from './StoreCard.tsx'

export function Running({ status }: { readonly status: Status }) {
  const { servers, stores } = status
  return (
    <section aria-labelledby="running-title" className="running">
      <h2 id="running-title">What runs where</h2>
      <Servers servers={servers} />
      {stores.length === 0 ? (
        <p className="empty">The stores were not asked yet.</p>
      ) : (
        <div className="stores">
          {stores.map((store) => (
            <StoreCard key={store.port} {...store} />
          ))}
        </div>
      )}
      <Lag status={status} />
    </section>
  )
}
