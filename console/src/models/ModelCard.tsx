/** One model, live: how much it is asked, how long it takes, how good it is. */
import type { GraphNode, ModelStatus } from '../data/wire.ts'
import { counted } from '../format.ts'
import { hashOf } from '../router.ts'
import { Quality } from './Quality.tsx'
import { StageTimes } from './StageTimes.tsx'
import { Throughput } from './Throughput.tsx'
import { Troubles } from './Troubles.tsx'

interface Props {
  readonly status: ModelStatus
  readonly node: GraphNode | null
}

export function ModelCard({ status, node }: Props) {
  const { model, version, waiting, measures } = status
  return (
    <article className="card" aria-labelledby={`model-${model}`}>
      <header>
        <h3 id={`model-${model}`}>{model}</h3>
        {node?.description != null && <p className="description">{node.description}</p>}
        <p className={version === null ? 'badge warn' : 'badge'}>
          {version === null ? 'No version: the fallback answers' : `Version ${version}`}
        </p>
        {waiting > 0 && <p className="badge">{counted(waiting, 'row')} waiting</p>}
        <a href={hashOf({ page: 'serving', model })}>Serving</a>
      </header>
      <div className="card-columns">
        <section aria-label={`Throughput of ${model}`}>
          <Throughput model={model} measures={measures} />
          <Troubles measures={measures} />
        </section>
        <section aria-label={`Stage times of ${model}`}>
          <StageTimes status={status} />
        </section>
        <section aria-label={`Quality of ${model}`}>
          <Quality model={model} quality={status.quality} />
        </section>
      </div>
    </article>
  )
}
