/**
 * When a buffer is written. There is one write at a time, and what comes while it is under way goes together in the next. The first
 * begins after the turn of the event loop in which it was asked for, so that whatever that turn appends goes together.
 */
export class GroupCommit {
  readonly #next: () => Promise<void> | null
  readonly #atOnce: boolean
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null

  /**
   * `next` takes what waits, or a part of it, and writes it; null where nothing waits. What it gives never rejects. `atOnce`: the first begins
   * within the turn, so that whoever only waits for promises, and lets no turn end, keeps nobody from writing.
   */
  constructor(next: () => Promise<void> | null, atOnce = false) {
    this.#next = next
    this.#atOnce = atOnce
  }

  /** To be called when something waits: it is written at the latest so much later. */
  within(ms: number): void {
    if (this.#running !== null) return
    if (ms > 0) {
      this.#timer ??= setTimeout(() => this.within(0), ms)
      return
    }
    this.forget()
    this.#running = this.#write()
  }

  /** Ends when nothing waits any more; null where nothing is under way. */
  get running(): Promise<void> | null {
    return this.#running
  }

  /** What was to be written later is not. */
  forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  async #write(): Promise<void> {
    await (this.#atOnce ? null : new Promise((done) => setImmediate(done)))
    for (let writing = this.#next(); writing !== null; writing = this.#next()) await writing
    // At once when nothing waits: else what comes in between would wait for ever.
    this.#running = null
  }
}
