/** What is defined, how the models do, and what runs where. */
import { useEffect } from 'react'
import type { Live } from '../data/poll.ts'
import { Definitions } from '../graph/Definitions.tsx'
import { ModelCard } from '../models/ModelCard.tsx'
import { Running } from '../running/Running.tsx'
import { Overview } from './Overview.tsx'

export function OverviewPage({ live: { seen, trouble } }: { readonly live: Live }) {
  const name = seen?.platform.name ?? null
  useEffect(() => {
    document.title = name === null ? 'Sixfold' : `${name} · Sixfold`
  }, [name])
  if (seen === null)
    return (
      <p className="page-state">
        {trouble === null ? 'Asking the server …' : `The server ${trouble.reason}. Asked again every second.`}
      </p>
    )
  return (
    <>
      <Overview status={seen.status} />
      <Definitions platform={seen.platform} status={seen.status} />
      <section aria-labelledby="models-title" className="models">
        <h2 id="models-title">Models</h2>
        {seen.status.models.length === 0 && <p className="empty">No model is defined.</p>}
        {seen.status.models.map((model) => (
          <ModelCard
            key={model.model}
            status={model}
            node={seen.platform.graph.nodes.find(({ id }) => id === `model ${model.model}`) ?? null}
          />
        ))}
      </section>
      <Running status={seen.status} />
    </>
  )
}
