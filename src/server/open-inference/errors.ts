/** Errors as the protocol has them: one text, and a status by which its clients branch. */
import type { Problem } from '../../kernel/errors.ts'
import { toProblem } from '../../kernel/errors.ts'

export interface ProtocolError {
  readonly status: number
  readonly body: { readonly error: string }
  readonly problem: Problem
}

/** Its words are the protocol's own where it has some; the fix stands after them. */
export function protocolError(error: unknown): ProtocolError {
  const problem = toProblem(error)
  const { code, detail, fix } = problem
  // What has no version that is loaded is not there, as far as the protocol goes.
  const status = code === 'SX_MODEL_UNREADY' ? 404 : problem.status
  return { status, body: { error: `${detail.replace(/\.$/, '')}. ${fix}` }, problem }
}
