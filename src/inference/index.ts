/**
 * Pattern 2, real-time inference: a question in, an answer out, with its reasons kept.
 *
 * Here: questions through the door, features, vector, batches into the model runtime, fallback, the log of predictions.
 * Not here: HTTP, and how good the answers were (monitoring/).
 */
export type { Attribution } from './attribution/attribute.ts'
export { attribute } from './attribution/attribute.ts'
export type { Compute, Endpoint } from './endpoint.ts'
export { standardCompute } from './endpoint.ts'
export type { Measures, MeasuresSnapshot, RecentPrediction } from './measures.ts'
export { postProcessOf } from './post.ts'
export type { Carrier, Degradation, Prediction, Stage, StageTimes } from './prediction.ts'
export { stagesOfTime } from './prediction.ts'
export type { LoggedPrediction, PredictionReader } from './prediction-log.ts'
export { nameOfSchema, parseId, predictionReader, topicOfPredictions } from './prediction-log.ts'
export type { Predictor, Question, StandIn } from './predictor.ts'
export { predictor } from './predictor.ts'
export type { FieldsReader } from './question.ts'
export { fieldsReader } from './question.ts'
export type { Due, Priority, RowAnswer, Scheduler, SchedulingSnapshot, WorkerBounds } from './scheduling/work.ts'
export { priorities } from './scheduling/work.ts'
export type { Signature } from './signature.ts'
export { signatureOf } from './signature.ts'
export type { VersionTimes } from './stage-histograms.ts'
export { boundsOfStages } from './stage-histograms.ts'
export type { ServedModel, ServedVersion, TensorAnswer, TensorCall } from './tensor-call.ts'
export type { InputBatch, OutputValue, ReadOutputs } from './tensors.ts'
export { inputBatch, NoValue, outputReader } from './tensors.ts'
