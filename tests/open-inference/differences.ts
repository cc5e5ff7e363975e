/** Where this server answers Triton's client otherwise than Triton does, and why. */
export interface Difference {
  readonly step: string
  readonly over: readonly ('http' | 'aio' | 'grpc')[]
  readonly ours: string
  readonly theirs: string
  readonly why: string
}

const unknownLoad = {
  step: 'load, unknown',
  why: 'A name that is not known is a mistake of whoever asks, and no fault of the server.',
}
const unknownStatistics = {
  step: 'statistics, unknown',
  why: 'Unknown models are 404 everywhere else, also in Triton.',
}

export const differences: readonly Difference[] = [
  { ...unknownLoad, over: ['http', 'aio'], ours: '404', theirs: '500' },
  { ...unknownLoad, over: ['grpc'], ours: 'StatusCode.NOT_FOUND', theirs: 'StatusCode.INTERNAL' },
  { ...unknownStatistics, over: ['http', 'aio'], ours: '404', theirs: '400' },
  { ...unknownStatistics, over: ['grpc'], ours: 'StatusCode.NOT_FOUND', theirs: 'StatusCode.INVALID_ARGUMENT' },
]
