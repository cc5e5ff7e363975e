/** Several rows of one request, each a prediction of its own. All are held to the model before any is predicted: a refusal leaves nothing in the log. */
import type { Services } from '../api/index.ts'
import type { Prediction, Question } from '../inference/index.ts'

export async function predictRows(
  services: Services,
  model: string,
  questions: readonly Question[],
): Promise<readonly Prediction[]> {
  // One alone is refused before it is predicted anyway.
  if (questions.length > 1) for (const question of questions) services.check(model, question)
  return Promise.all(questions.map((question) => services.predict(model, question)))
}
