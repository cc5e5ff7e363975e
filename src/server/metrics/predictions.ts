/** What predictions took, by model and version, and what was wrong with them. */
import type { ModelStatus } from '../../api/index.ts'
import { boundsOfStages, stagesOfTime } from '../../inference/index.ts'
import type { Families } from './families.ts'

/** In the place of a version where none answered. */
const none = 'none'

export function predictionMetrics({ gauge, counter, histogram }: Families): (models: readonly ModelStatus[]) => void {
  const version = gauge(
    'sixfold_model_version_info',
    '1 for the version of a model that answers. Without one the fallback does.',
    'model',
    'version',
  )
  const budget = gauge('sixfold_budget_seconds', 'What a stage may take of the budget of a model.', 'model', 'stage')
  const predictions = counter(
    'sixfold_predictions_total',
    'Predictions that were answered. Degraded: in whatever part. Version: none where no version answered, older for those that answered before the last eight.',
    'model',
    'version',
    'degraded',
  )
  const degradations = counter(
    'sixfold_degradations_total',
    'Parts of predictions that something else stood in for. A prediction may have several.',
    'model',
    'stage',
    'by',
    'reason',
  )
  const refused = counter(
    'sixfold_predictions_refused_total',
    'Questions that were not answered, by the code of the error.',
    'model',
    'code',
  )
  const seconds = histogram(
    'sixfold_stage_seconds',
    'Time that predictions spent in a stage. Those of all stages but total are its parts.',
    boundsOfStages,
  )
  return (models) => {
    for (const { model, version: answering, measures, budget: shares } of models) {
      if (answering !== null) version.set({ model, version: answering }, 1)
      for (const [stage, milliseconds] of Object.entries(shares)) budget.set({ model, stage }, milliseconds / 1000)
      // What has not happened yet is zero, so that the first time is an increase.
      const now = { model, version: answering ?? none }
      predictions.inc({ ...now, degraded: 'true' }, 0)
      predictions.inc({ ...now, degraded: 'false' }, 0)
      for (const one of measures.versions) {
        const labels = { model, version: one.version ?? none }
        predictions.inc({ ...labels, degraded: 'true' }, one.degraded)
        predictions.inc({ ...labels, degraded: 'false' }, one.predictions - one.degraded)
        for (const stage of stagesOfTime) {
          const { counts, sumSeconds } = one.stages[stage]
          seconds.set({ ...labels, stage }, counts, sumSeconds)
        }
      }
      for (const { stage, by, reason, count } of measures.degradations)
        degradations.inc({ model, stage, by, reason }, count)
      for (const [code, count] of Object.entries(measures.refused)) refused.inc({ model, code }, count)
    }
  }
}
