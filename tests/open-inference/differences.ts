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

const json = (data: unknown, shape: readonly unknown[] = [1, 2], more: object = {}): string =>
  JSON.stringify({ inputs: [{ name: 'x', shape, datatype: 'FP32', data }], ...more })

/** What no client would send: the bodies themselves. `theirs` null: Triton ends. */
export const bodies: readonly {
  readonly call: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  readonly ours: number
  readonly theirs: number | null
}[] = [
  { call: 'a body that is no JSON', body: '{', ours: 400, theirs: 500 },
  { call: 'no `inputs` at all', body: '{}', ours: 400, theirs: 500 },
  { call: 'a size below zero', body: json([1, 2], [-1, 2]), ours: 400, theirs: 500 },
  { call: 'too few or many values', body: json([1]), ours: 400, theirs: 500 },
  { call: 'too few or many values', body: json([1, 2, 3]), ours: 400, theirs: 500 },
  { call: 'a text for a number', body: json(['1', 2]), ours: 400, theirs: 500 },
  { call: '`null` for a float', body: json([null, 2]), ours: 200, theirs: 500 },
  {
    call: 'a timeout that is none',
    body: json([1, 2], [1, 2], { parameters: { timeout: -1 } }),
    ours: 400,
    theirs: 500,
  },
  { call: 'an id that is no text', body: json([1, 2], [1, 2], { id: 7 }), ours: 400, theirs: 500 },
  {
    call: 'compressed in another way',
    body: json([1, 2]),
    headers: { 'content-encoding': 'zstd' },
    ours: 415,
    theirs: 501,
  },
  // The same in both, and so in no table.
  { call: '', body: json([1, 2], [2, 1]), ours: 400, theirs: 400 },
  { call: '', body: json([[1], [2]]), ours: 200, theirs: 200 },
  { call: '', body: json([1, 2], [1, 2], { surprise: 1, outputs: [] }), ours: 200, theirs: 200 },
  { call: '', body: json([1, 2]).replace('[1,2]}', '[NaN,-Infinity]}'), ours: 200, theirs: 200 },
  {
    call: '',
    body: json([1, 2], [1, 2], { outputs: [{ name: 'score', parameters: { classification: 0 } }] }),
    ours: 200,
    theirs: 200,
  },
  {
    call: '',
    body: json([1, 2]).replace('"data"', '"parameters":{"binary_data_size":8},"data"'),
    ours: 400,
    theirs: 400,
  },
  { call: '', body: json([1, 2]), headers: { 'inference-header-content-length': '9999' }, ours: 400, theirs: 400 },
  // The last: nothing answers after it.
  { call: 'more than there is', body: json([1, 2], [1e9, 1e9]), ours: 400, theirs: null },
]
