/** What to do about what was degraded or not taken: by what it was and why. */

const byReason: { readonly [reason: string]: string } = {
  'no version': 'No version is in production. Promote one: the page of the model has its versions.',
  SX_OVERLOADED:
    "More came than can be computed in time. Raise 'workers' of the model in sixfold.config.ts, or start more servers.",
  SX_MODEL_FAILED:
    'The model fails over these inputs. Look at a prediction below, and roll back if the version is new.',
  SX_RUNTIME_LOST: 'Its worker died in the call and was started again. If it goes on, the log of the server says why.',
  SX_STORE_UNAVAILABLE: 'The online store does not answer. What runs, on the overview, says which store and why.',
  SX_REMOTE_UNAVAILABLE: 'The server of the model does not answer. `sixfold doctor` asks it and says what it finds.',
  SX_REMOTE_INVALID:
    'The server of the model answers what was not registered. Correct it, or add the model anew with `sixfold model add --remote`.',
  'the model gave no usable number':
    'The model gave NaN, infinity or what its output cannot be. Look at the vector of a prediction below.',
  'an entry of the vector has no value': 'A feature or a field is missing. Give its entry in the vector an orElse.',
  'the log cannot keep up':
    'Answers are not kept, and so cannot be explained or joined to outcomes. Look at the log store.',
}

/** Null: nothing is known that helps. */
export function adviceFor(stage: string, reason: string): string | null {
  if (reason === 'SX_DEADLINE_EXCEEDED')
    return stage === 'features'
      ? 'The online store took longer than the share of the features. See its round trip on the overview, or give them more of the budget.'
      : 'The model took longer than its share. See the queue above: if rows wait, add workers; if not, the model is too slow for its budget.'
  return byReason[reason] ?? null
}

export const notTaken = [
  ['full', 'No room', "The queue was full. Raise 'workers' of the model, or start more servers."],
  [
    'late',
    'Would be late',
    'It could not have been computed by its deadline, and was told so at once. Add workers or servers.',
  ],
  [
    'limit',
    'Above the limit',
    'More ran at once than keeps the model fast. The limit adapts by itself; add workers or servers.',
  ],
  [
    'expired',
    'Due while waiting',
    'Its deadline passed in the queue. Callers that give less time than the budget are the first.',
  ],
] as const
