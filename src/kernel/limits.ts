/**
 * A limit on everything that could grow, in one place. A deployment may change `limits`, under that name in sixfold.config.ts; the
 * console shows what is in force. Nobody may change `bounds`: what a value or a definition means, and how it is stored, depends on
 * them, and must be the same in every process and every engine.
 */
export const limits: Limits = Object.freeze({
  bodyBytes: 8 * 1024 * 1024,
  bodyDepth: 32,
  artifactBytes: 64 * 1024 ** 3,
  eventsPerRequest: 10_000,
  outcomesPerRequest: 10_000,
  futureMs: 60_000,
  skewMs: 1_000,
  pendingEvents: 4_096,
  unsettledEvents: 64,
  batchRows: 32,
  batchLeaseMs: 15_000,
  queueRows: 4_096,
  requestRows: 1_024,
  timeoutMs: 60_000,
  keptAnswers: 10_000,
  idempotencyKeys: 10_000,
  arrivalMs: 60_000,
  logBufferBytes: 16 * 1024 * 1024,
  segmentBytes: 64 * 1024 * 1024,
  storeReadMs: 100,
  storePatienceMs: 10_000,
  drainMs: 1_000,
})

export interface Limits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number
  /** How deep JSON may nest. */
  readonly bodyDepth: number
  /** Bytes of one file of a run or a logged model. */
  readonly artifactBytes: number
  readonly eventsPerRequest: number
  readonly outcomesPerRequest: number
  /** How far after now an event may lie, in milliseconds. */
  readonly futureMs: number
  /** How far before now an instant asked about may lie, in milliseconds: how much clocks of servers may differ. */
  readonly skewMs: number
  /** Events of one entity that wait for their instant to come. */
  readonly pendingEvents: number
  /** Events of one entity that are kept singly although their instant has come, for questions about `skewMs` ago. */
  readonly unsettledEvents: number
  /** Rows of one call into the model runtime. */
  readonly batchRows: number
  /** What a run of a batch was doing is free to be taken so long after whoever did it died. */
  readonly batchLeaseMs: number
  /** Rows that wait for a model. */
  readonly queueRows: number
  /** Rows of one request of a client that sends tensors. */
  readonly requestRows: number
  /** The most time that a caller can give a request, in milliseconds. */
  readonly timeoutMs: number
  /** Answers of a model that are kept, to be given again or in place of one that is late; and as many features of entities. */
  readonly keptAnswers: number
  /** Requests with an idempotency key of which the answer is kept. */
  readonly idempotencyKeys: number
  /** How long the head of a request may take to arrive, and a body after it, in milliseconds. */
  readonly arrivalMs: number
  /** Bytes of log entries not yet written. */
  readonly logBufferBytes: number
  /** Bytes of a log segment before the next is begun. */
  readonly segmentBytes: number
  /** How long a prediction waits for a shared online store before it goes on without features, in milliseconds. */
  readonly storeReadMs: number
  /** How long everything else tries to reach a shared store before it gives up, in milliseconds. */
  readonly storePatienceMs: number
  /**
   * For how long a server that was told to end answers whoever is still connected, in milliseconds. Longer than a balancer keeps a
   * connection on which it asks nothing: so it is the balancer that ends it, and no request is on its way then.
   */
  readonly drainMs: number
}

export const bounds: Bounds = Object.freeze({
  stringBytes: 8_192,
  keyBytes: 1_024,
  distinctValues: 1_024,
  frequentValues: 4_096,
  expressionDepth: 200,
  featuresPerView: 1_000,
  entriesPerVector: 10_000,
  searchConditions: 50,
  searchOrderings: 10,
  searchValues: 10_000,
  searchText: 131_072,
})

export interface Bounds {
  /** UTF-8 bytes of one string in an event or a request. */
  readonly stringBytes: number
  /** Bytes of an entity's key in the online store; the tail of a longer one is replaced by its hash. */
  readonly keyBytes: number
  /** Different values that `distinct` counts exactly. */
  readonly distinctValues: number
  /** Different values that `topN` tells apart. */
  readonly frequentValues: number
  readonly expressionDepth: number
  readonly featuresPerView: number
  readonly entriesPerVector: number
  /** Conditions of one search. Each may need a join of its own, of which SQLite makes 63. */
  readonly searchConditions: number
  readonly searchOrderings: number
  /** Values in all lists of one search. */
  readonly searchValues: number
  /** Characters of the text of a filter. */
  readonly searchText: number
}
