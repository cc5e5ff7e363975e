/** All commands, in the order in which help lists them. */
import type { Command } from '../command.ts'
import { auditCommands } from './audit.ts'
import { batchCommands } from './batch.ts'
import { batchSteps } from './batch-steps.ts'
import { apply, check, plan } from './definitions.ts'
import { doctor } from './doctor.ts'
import { drift } from './drift.ts'
import { explain } from './explain.ts'
import { featuresGet, materialize, trainingSet } from './features.ts'
import { init } from './init.ts'
import { keyCommands } from './key.ts'
import { lineageCommands } from './lineage.ts'
import { modelCommands } from './model.ts'
import { modelChanges } from './model-changes.ts'
import { modelImport } from './model-import.ts'
import { openapi } from './openapi.ts'
import { dev, serve } from './serve.ts'
import { status } from './status.ts'
import { reproduce, train } from './training.ts'
import { webhookCommands } from './webhook.ts'

export const commands: readonly Command<unknown>[] = [
  init,
  check,
  plan,
  apply,
  materialize,
  featuresGet,
  trainingSet,
  train,
  reproduce,
  ...modelCommands,
  ...modelChanges,
  modelImport,
  ...batchCommands,
  ...batchSteps,
  ...lineageCommands,
  ...auditCommands,
  ...keyCommands,
  ...webhookCommands,
  serve,
  dev,
  openapi,
  status,
  doctor,
  explain,
  drift,
]

/** What the commands of two words have in common, for help. */
export const groups: { readonly [word: string]: string } = {
  features: 'Features of entities, as they are online.',
  model: 'Models, their versions, and which of them answers.',
  batch: 'Batches: a model over many rows at a set time, published as a whole or not at all.',
  lineage: 'What an answer was made of, and what breaks if something goes.',
  audit: 'Every change of the registry.',
  key: 'API keys: who may ask a server, and for what.',
  webhook: 'Receivers that are told of changes.',
}
