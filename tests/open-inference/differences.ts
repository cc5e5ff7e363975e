/** Where this server answers Triton's client otherwise than Triton does, and why. A status of null is none: it was answered. */
export interface Difference {
  readonly step: string
  readonly over: 'all' | 'http' | 'aio' | 'grpc'
  readonly ours: string | null
  readonly theirs: string | null
  readonly why: string
}

export const differences: readonly Difference[] = [
  {
    step: 'load, unknown',
    over: 'http',
    ours: '404',
    theirs: '500',
    why: 'A name that is not known is a mistake of whoever asks, and no fault of the server.',
  },
  {
    step: 'load, unknown',
    over: 'aio',
    ours: '404',
    theirs: '500',
    why: 'A name that is not known is a mistake of whoever asks, and no fault of the server.',
  },
  {
    step: 'statistics, unknown',
    over: 'http',
    ours: '404',
    theirs: '400',
    why: 'Unknown models are 404 everywhere else, also in Triton.',
  },
  {
    step: 'statistics, unknown',
    over: 'aio',
    ours: '404',
    theirs: '400',
    why: 'Unknown models are 404 everywhere else, also in Triton.',
  },
]
