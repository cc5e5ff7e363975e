/** The console: its pages, and around them which platform this is, whether it answers, and who asks. */
import { useEffect, useState } from 'react'
import { AccessProvider, useStanding } from './access/access.tsx'
import { KeyGate } from './access/KeyGate.tsx'
import { AuditPage } from './audit/AuditPage.tsx'
import { BatchesPage } from './batches/BatchesPage.tsx'
import { BatchPage } from './batches/BatchPage.tsx'
import { RunPage } from './batches/RunPage.tsx'
import type { Live } from './data/poll.ts'
import { poll } from './data/poll.ts'
import { useKey } from './data/server.ts'
import { LineagePage } from './lineage/LineagePage.tsx'
import { Header } from './parts/Header.tsx'
import { OverviewPage } from './parts/OverviewPage.tsx'
import { Page } from './parts/Page.tsx'
import { CardPage } from './registry/CardPage.tsx'
import { ComparePage } from './registry/ComparePage.tsx'
import { ModelPage } from './registry/ModelPage.tsx'
import { ModelsPage } from './registry/ModelsPage.tsx'
import { VersionPage } from './registry/VersionPage.tsx'
import type { Place } from './router.ts'
import { placeOf, useHash } from './router.ts'
import { PredictionPage } from './serving/PredictionPage.tsx'
import { ServingPage } from './serving/ServingPage.tsx'

export const App = () => (
  <AccessProvider>
    <Shell />
  </AccessProvider>
)

function Shell() {
  const place = placeOf(useHash())
  const key = useKey()
  const { refusal } = useStanding()
  const [live, setLive] = useState<Live>({ seen: null, trouble: null })
  const { seen, trouble } = live
  const locked = refusal !== null && refusal.status === 401
  // biome-ignore lint/correctness/useExhaustiveDependencies: with another key it begins anew.
  useEffect(() => (locked ? undefined : poll(setLive)), [key, locked])
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
        To the content
      </button>
      <Header
        place={place}
        platform={seen?.platform ?? null}
        now={seen?.status.now ?? null}
        trouble={locked ? null : trouble}
        locked={locked}
      />
      <main id="main" tabIndex={-1}>
        {locked ? <KeyGate refusal={refusal} /> : <Shown place={place} live={live} />}
      </main>
    </>
  )
}

function Shown({ place, live }: { readonly place: Place; readonly live: Live }) {
  switch (place.page) {
    case 'overview':
      return <OverviewPage live={live} />
    case 'models':
      return <ModelsPage />
    case 'model':
      return <ModelPage key={place.model} name={place.model} live={live} />
    case 'serving':
      return <ServingPage key={place.model} name={place.model} live={live} />
    case 'prediction':
      return <PredictionPage key={place.id} id={place.id} live={live} />
    case 'version':
      return <VersionPage key={`${place.model} ${place.version}`} model={place.model} which={place.version} />
    case 'card':
      return <CardPage key={`${place.model} ${place.version}`} model={place.model} version={place.version} />
    case 'compare':
      return <ComparePage {...place} />
    case 'audit':
      return <AuditPage model={place.model} />
    case 'lineage':
      return <LineagePage of={place.of} value={place.value} />
    case 'batches':
      return <BatchesPage />
    case 'batch':
      return <BatchPage key={place.batch} batch={place.batch} live={live} />
    case 'run':
      return <RunPage key={`${place.batch} ${place.version}`} batch={place.batch} version={place.version} />
    case 'nowhere':
      return (
        <Page title="Nothing is here">
          <p className="lead">No page of the console has this address.</p>
        </Page>
      )
  }
}
