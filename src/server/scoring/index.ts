/** The request shapes of other model servers, for clients that speak them: TensorFlow Serving's, and those of MLflow. */
export { mlflowScoring } from './mlflow.ts'
export type { ScoringOptions } from './scope.ts'
export { tfServing } from './tf-serving.ts'
