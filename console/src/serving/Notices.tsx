/** What is wrong with how a model is served, in words, and what to do: for the page of the model, where it may not go unseen. */
import type { Live } from '../data/poll.ts'
import { counted, percent } from '../format.ts'
import { hashOf } from '../router.ts'
import { adviceFor } from './advice.ts'

/** What happens this rarely is for the page on serving alone. */
const worthSaying = 0.01

export function Notices({ model, live: { seen } }: { readonly model: string; readonly live: Live }) {
  const status = seen?.status.models.find((one) => one.model === model)
  if (status === undefined) return null
  const { degradations, predictions, degradedPredictions } = status.measures
  const frequent = degradations
    .filter(({ count }) => count / Math.max(1, predictions) >= worthSaying)
    .sort((a, b) => b.count - a.count)
  const [worst] = frequent
  if (worst === undefined) return null
  const { stage, by, reason } = worst
  return (
    <div className="notice warn">
      <p className="what">
        {percent(degradedPredictions / Math.max(1, predictions))} of {counted(predictions, 'prediction')} on this server
        were degraded, most in {stage}: {by}, because of {reason}.
      </p>
      <p>
        {adviceFor(stage, reason) ?? 'The log of the server has more of it.'}{' '}
        <a href={hashOf({ page: 'serving', model })}>
          {frequent.length === 1 ? 'How it is served' : `All ${frequent.length} reasons, and how it is served`}
        </a>
      </p>
    </div>
  )
}
