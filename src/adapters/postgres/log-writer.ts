/**
 * What one process appends to one topic. It waits in memory, no more than a bound, and goes out in batches, one write at a time: what
 * comes while a write is under way goes together in the next. A batch that is sent again is the same batch, so that it is written
 * once; what has waited longer than the patience is rejected.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import { GroupCommit } from '../group-commit.ts'
import { unavailable } from '../unavailable.ts'

export interface WriterOptions {
  readonly bufferBytes: number
  readonly patienceMs: number
  /** 'PostgreSQL at …' */
  readonly where: string
  /** Tries for so long; gives the position of the first entry. */
  write(seq: number, count: number, bytes: Buffer, patienceMs: number): Promise<number>
  written(): void
}

interface Waiting {
  readonly seq: number
  readonly count: number
  readonly block: Buffer
  readonly since: number
  readonly place: { position: number }
  resolve(): void
  reject(error: unknown): void
}

/** A batch ends behind so many bytes; one append is never divided. */
const batchBytes = 1024 * 1024
/** What an append takes in memory beside its bytes. */
const beside = 256

export class LogWriter {
  readonly #options: WriterOptions
  #waiting: Waiting[] = []
  #bytes = 0
  #seq = 0
  #last: Promise<void> = Promise.resolve()
  readonly #commit = new GroupCommit(() => {
    const batch = this.#next()
    return batch.length === 0 ? null : this.#write(batch)
  })
  #closed = false

  constructor(options: WriterOptions) {
    this.#options = options
  }

  append(count: number, block: Buffer, withinMs: number) {
    if (this.#closed) throw new SixfoldError('SX_STOPPING', 'The log is closed.')
    const bytes = block.length + beside
    if (this.#bytes > 0 && this.#bytes + bytes > this.#options.bufferBytes)
      throw new SixfoldError('SX_OVERLOADED', `The log cannot keep up: ${this.#bytes} bytes wait to be written.`)
    const seq = this.#seq
    const place = { position: -1 }
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ seq, count, block, since: performance.now(), place, resolve, reject })
    })
    // Whoever does not wait for it is not to be ended by it.
    durable.catch(() => {})
    this.#bytes += bytes
    this.#seq += count
    this.#last = durable
    this.#commit.within(withinMs)
    return { seq, durable, place }
  }

  async settled(): Promise<void> {
    if (this.#waiting.length > 0) this.#commit.within(0)
    await this.#last.catch(() => {})
  }

  /** What still waits is rejected once the writes are given up. */
  close(): void {
    this.#closed = true
    this.#commit.forget()
    for (const { reject } of this.#waiting.splice(0))
      reject(unavailable(this.#options.where, 'was closed before it took what was appended'))
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    try {
      const bytes = batch.length === 1 ? batch[0]!.block : Buffer.concat(batch.map(({ block }) => block))
      const [{ seq, since }, count] = [batch[0]!, batch.reduce((sum, one) => sum + one.count, 0)]
      const left = this.#options.patienceMs - (performance.now() - since)
      const first = await this.#options.write(seq, count, bytes, left)
      for (const one of batch) one.place.position = first + one.seq - seq
      for (const one of batch) one.resolve()
      this.#options.written()
    } catch (error) {
      for (const one of batch) one.reject(error)
    }
    this.#forget(batch)
  }

  /** Those that go together. Their patience ends with the first one's, so that all of them came soon after it. */
  #next(): readonly Waiting[] {
    const { patienceMs, where } = this.#options
    const now = performance.now()
    const late = this.#waiting.findIndex(({ since }) => now - since < patienceMs)
    const expired = this.#waiting.splice(0, late === -1 ? this.#waiting.length : late)
    for (const { reject } of expired) reject(unavailable(where, `did not take what was appended for ${patienceMs} ms`))
    this.#forget(expired)
    let bytes = 0
    const end = this.#waiting.findIndex(({ block, since }, index) => {
      bytes += block.length
      return index > 0 && (bytes > batchBytes || since - this.#waiting[0]!.since > patienceMs / 10)
    })
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end)
  }

  #forget(batch: readonly Waiting[]): void {
    for (const { block } of batch) this.#bytes -= block.length + beside
  }
}
