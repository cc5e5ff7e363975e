/** What the server refused, or that it does not answer: what, and what to do. */
import type { Refusal } from '../data/server.ts'

interface Props {
  readonly refusal: Refusal
  /** True: what the page shows is from before. */
  readonly stale?: boolean
}

export function Refused({ refusal: { message, code, fix }, stale = false }: Props) {
  return (
    <div className="notice bad" role="alert">
      <p className="what">{message}</p>
      <p>
        {fix} {stale && 'What is shown is from before.'} <code>{code}</code>
      </p>
    </div>
  )
}

/** In place of what has not come yet, with room for it. */
export const Waiting = ({ refusal, what }: { readonly refusal: Refusal | null; readonly what: string }) =>
  refusal === null ? (
    <p className="page-state" role="status">
      Asking for {what} …
    </p>
  ) : (
    <Refused refusal={refusal} />
  )
