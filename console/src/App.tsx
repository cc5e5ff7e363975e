/** The page: what is defined, how the models do, and what runs where. */
import { useEffect, useState } from 'react'
import type { Live } from './data/poll.ts'
import { poll } from './data/poll.ts'
import { Definitions } from './graph/Definitions.tsx'
import { ModelCard } from './models/ModelCard.tsx'
import { Header } from './parts/Header.tsx'
import { Overview } from './parts/Overview.tsx'
import { Running } from './running/Running.tsx'

export function App() {
  const [{ seen, trouble }, setLive] = useState<Live>({ seen: null, trouble: null })
  useEffect(() => poll(setLive), [])
  useEffect(() => {
    if (seen !== null) document.title = `${seen.platform.name} · Sixfold`
  }, [seen])
  return (
    <>
      <Header platform={seen?.platform ?? null} now={seen?.status.now ?? null} trouble={trouble} />
      <main>
        {seen === null ? (
          <p className="page-state">
            {trouble === null ? 'Asking the server …' : `The server ${trouble.reason}. Asked again every second.`}
          </p>
        ) : (
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
        )}
      </main>
    </>
  )
}
