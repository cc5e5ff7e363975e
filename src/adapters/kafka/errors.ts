/** What Kafka's answers mean to whoever looks after it. */
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { reasonOf, unavailable as unavailableStore } from '../unavailable.ts'

/** The protocol's numbers of the answers that are acted on. */
export const codes = {
  offsetOutOfRange: 1,
  unknownTopic: 3,
  messageTooLarge: 10,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicDenied: 29,
  groupDenied: 30,
  clusterDenied: 31,
  topicExists: 36,
  invalidReplication: 38,
  invalidConfig: 40,
  policyViolation: 44,
  outOfOrderSequence: 45,
  invalidProducerEpoch: 47,
  unknownProducer: 59,
  memberIdRequired: 79,
} as const

const denials: readonly number[] = [codes.topicDenied, codes.groupDenied, codes.clusterDenied]

/** An answer that says no. */
export class Refused extends Error {
  readonly number: number
  constructor(number: number, message: string) {
    super(`${message} (Kafka error ${number})`)
    this.number = number
  }
}

/** What will not become better by trying again, as the error it is to the user; null for all else. */
export function lasting(error: unknown, where: string): SixfoldError | null {
  if (isSixfoldError(error)) return error
  if (error instanceof Refused && denials.includes(error.number))
    return new SixfoldError('SX_STORE_DENIED', `Kafka at ${where} refuses: ${error.message}.`, {
      cause: error,
      fix: 'Grant this user Read, Write, Describe and Create on the topics with the prefix, and Read on the groups with it.',
    })
  // The library wraps what a broker answered to the password, however deep.
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as { code?: unknown }).code === 'PLT_KFK_AUTHENTICATION')
      return new SixfoldError('SX_STORE_DENIED', `Kafka at ${where} refuses the user and password: ${cause.message}`, {
        cause: error,
        fix: 'Correct the mechanism, the user or the password.',
      })
  return null
}

export function unavailable(where: string, what: string, error: unknown): SixfoldError {
  // What the library says around it tells less.
  let root = error
  while (root instanceof Error && root.cause !== undefined) root = root.cause
  const fix = /certificate/.test(reasonOf(root))
    ? 'Name the file of the authority that signed the certificate in NODE_EXTRA_CA_CERTS.'
    : undefined
  return unavailableStore(`Kafka at ${where}:`, what, root, fix)
}
