/**
 * Sends to places that somebody named who may name any. Laws: nothing is sent, and no connection made, to an address that is not allowed,
 * whatever a name stood for before; redirects are not followed; whoever is silent or never ends is left within seconds.
 */
export interface WebhookSender {
  /** Throws SX_WEBHOOK_INVALID, with why, where nothing would be sent. Asks for the addresses of the name. */
  check(url: string): Promise<void>
  /** Whatever was answered. Rejects with a `NotSent` where nothing was. */
  post(url: string, headers: { readonly [name: string]: string }, body: string): Promise<WebhookAnswer>
  /** Ends what is under way. */
  close(): void
}

export interface WebhookAnswer {
  readonly status: number
  /** The beginning of it. */
  readonly text: string
  /** For how long the answer asks to be left alone. */
  readonly retryAfterMs: number | null
}

/** Nobody was told, or nobody said that they were. The message says why, after the words 'the receiver'. */
export class NotSent extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'NotSent'
  }
}
