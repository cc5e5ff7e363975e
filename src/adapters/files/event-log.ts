/**
 * The embedded event log: a folder a topic, in it segments of entries. A topic has one partition, with positions 0, 1, 2, … and none
 * left out. One process of one machine writes it; others there may read.
 *
 * An append that has resolved was written to the operating system and survives the death of the process; it reaches the disk
 * within a second (`sync: 'always'`: before the append resolves), and survives the loss of power from then on. Appends that come
 * while a write is under way go together in the next one.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { SixfoldError } from '../../kernel/errors.ts'
import { storageError } from '../../kernel/files.ts'
import { limits } from '../../kernel/limits.ts'
import type { Appended, EventLog } from '../../ports/event-log.ts'
import { GroupCommit } from '../group-commit.ts'
import { followByLooking } from './follow.ts'
import { identityOf } from './identity.ts'
import { inspectLog } from './inspect.ts'
import { lockFolder } from './lock.ts'
import type { Segment } from './segment.ts'
import { baseOf, headerBytes, openSegment, readEntries, segmentName } from './segment.ts'

export interface FileLogOptions {
  readonly folder: string
  /** False for a process that only reads, beside another that writes. */
  readonly writable: boolean
  readonly sync?: 'always' | 'second'
  readonly segmentBytes?: number
  /** How many bytes of a topic may wait to be written. */
  readonly bufferBytes?: number
}

export function fileEventLog({
  folder,
  writable,
  sync = 'second',
  segmentBytes = limits.segmentBytes,
  bufferBytes = limits.logBufferBytes,
}: FileLogOptions): EventLog {
  const lock = writable ? lockFolder(folder) : null
  const identity = identityOf(folder)
  const topics = new Map<string, Topic>()
  const topicOf = (name: string): Topic => {
    let topic = topics.get(name)
    if (topic === undefined) {
      topic = new Topic(join(folder, checked(name)), { writable, always: sync === 'always', segmentBytes, bufferBytes })
      topics.set(name, topic)
    }
    return topic
  }
  const syncing = setInterval(() => {
    for (const topic of topics.values()) topic.syncSoon()
  }, 1000)
  syncing.unref()

  const log: EventLog = {
    identity,
    append: (topic, entries, { withinMs = 0 } = {}) => {
      if (!writable) throw new SixfoldError('SX_INTERNAL', 'This event log was opened for reading.')
      if (entries.length === 0) throw new SixfoldError('SX_INTERNAL', 'An append holds at least one entry.')
      return topicOf(topic).append(entries, withinMs)
    },
    read: async (topic, _, from, limit) => topicOf(topic).read(from, limit),
    lookup: async (topic, reference) => {
      const position = Number.parseInt(reference, 36)
      if (position.toString(36) !== reference) return null
      return (await topicOf(topic).read(position, 1))[0] ?? null
    },
    partitions: async () => 1,
    external: () => null,
    ends: async (topic) => [topicOf(topic).end()],
    settled: async (topic) => topicOf(topic).settled(),
    topics: async () =>
      namesIn(folder).map((name) => {
        const topic = topicOf(name)
        return { topic: name, ends: [topic.end()], bytes: topic.bytes() }
      }),
    follow: async (names, _, take) => followByLooking(log, names, take),
    inspect: async () => inspectLog(folder, log, writable),
    close: async () => {
      clearInterval(syncing)
      for (const topic of topics.values()) await topic.close()
      lock?.release()
    },
  }
  return log
}

const checked = (topic: string): string => {
  if (!/^[a-zA-Z][a-zA-Z0-9_.-]{0,200}$/.test(topic))
    throw new SixfoldError('SX_INTERNAL', `'${topic}' is no name of a topic.`)
  return topic
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}

interface TopicOptions {
  readonly writable: boolean
  readonly always: boolean
  readonly segmentBytes: number
  readonly bufferBytes: number
}

interface Batch {
  /** Entries with their headers, one after another, as they will lie in the segment. */
  block: Buffer
  bytes: number
  readonly lengths: number[]
  readonly durable: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

/** How many closed segments keep the places of their entries in memory. */
const remembered = 8

class Topic {
  readonly #folder: string
  readonly #options: TopicOptions
  /** In order of their bases; the last one is written to. A segment's offsets are read when first needed. */
  #bases: number[] = []
  readonly #segments = new Map<number, Segment>()
  #file: FileHandle | null = null
  #next: number
  #durable: number
  #batch: Batch = newBatch()
  readonly #commit = new GroupCommit(() => this.#write())
  #dirty = false

  constructor(folder: string, options: TopicOptions) {
    this.#folder = folder
    this.#options = options
    this.#look()
    const last = this.#bases.at(-1)
    this.#next = last === undefined ? 0 : last + this.#segment(last, options.writable).offsets.length - 1
    this.#durable = this.#next
  }

  /** Another process may have begun segments and added to the last. */
  #look(): void {
    try {
      this.#bases = readdirSync(this.#folder)
        .filter((name) => name.endsWith('.log'))
        .map(baseOf)
        .sort((a, b) => a - b)
    } catch {
      this.#bases = []
    }
  }

  #segment(base: number, repair = false): Segment {
    let segment = this.#segments.get(base)
    if (segment === undefined) {
      segment = openSegment(join(this.#folder, segmentName(base)), base, repair)
      this.#segments.set(base, segment)
      for (const old of this.#segments.keys()) {
        if (this.#segments.size <= remembered) break
        if (old !== this.#bases.at(-1) && old !== base) this.#segments.delete(old)
      }
    }
    return segment
  }

  append(entries: readonly Uint8Array[], withinMs: number): Appended {
    const batch = this.#batch
    let added = 0
    for (const entry of entries) added += entry.length + headerBytes
    if (batch.bytes + added > this.#options.bufferBytes && batch.bytes > 0)
      throw new SixfoldError('SX_OVERLOADED', `The log cannot keep up: ${batch.bytes} bytes wait to be written.`)
    const first = this.#next
    reserve(batch, added)
    for (const entry of entries) {
      const { block, bytes, lengths } = batch
      block.writeUInt32LE(entry.length, bytes)
      block.writeUInt32LE(crc32(entry), bytes + 4)
      block.set(entry, bytes + headerBytes)
      lengths.push(entry.length + headerBytes)
      batch.bytes += entry.length + headerBytes
    }
    this.#next += entries.length
    this.#commit.within(withinMs)
    return { partition: 0, position: first, reference: first.toString(36), durable: batch.durable }
  }

  async settled(): Promise<void> {
    const { lengths, durable } = this.#batch
    if (lengths.length === 0) return this.#commit.running ?? undefined
    this.#commit.within(0)
    await durable.catch(() => {})
  }

  /** Null where nothing waits. */
  #write(): Promise<void> | null {
    if (this.#batch.lengths.length === 0) return null
    const batch = this.#batch
    this.#batch = newBatch()
    return this.#append(batch).then(batch.resolve, (error: unknown) => {
      // What is not durable has no position: those given out since are void, and the next append takes them again.
      this.#next = this.#durable
      const failed = this.#batch
      this.#batch = newBatch()
      const reason = storageError(error, this.#folder)
      batch.reject(reason)
      failed.reject(reason)
    })
  }

  async #append({ block, lengths, bytes }: Batch): Promise<void> {
    const segment = await this.#current()
    const start = segment.offsets.at(-1)!
    const file = this.#file!
    try {
      for (let written = 0; written < bytes; )
        written += (await file.write(block, written, bytes - written, start + written)).bytesWritten
      if (this.#options.always) await file.datasync()
    } catch (error) {
      await file.truncate(start).catch(() => {})
      throw error
    }
    for (const length of lengths) segment.offsets.push(segment.offsets.at(-1)! + length)
    this.#durable += lengths.length
    this.#dirty = true
  }

  /** The segment to write to, with its file open. */
  async #current(): Promise<Segment> {
    const last = this.#bases.at(-1)
    if (last !== undefined && this.#segment(last).offsets.at(-1)! < this.#options.segmentBytes) {
      this.#file ??= await open(join(this.#folder, segmentName(last)), 'r+')
      return this.#segment(last)
    }
    if (this.#file !== null) {
      await this.#file.datasync()
      await this.#file.close()
      this.#file = null
    }
    mkdirSync(this.#folder, { recursive: true })
    const base = this.#durable
    this.#file = await open(join(this.#folder, segmentName(base)), 'w+')
    this.#bases.push(base)
    this.#segments.set(base, { path: join(this.#folder, segmentName(base)), base, offsets: [0] })
    return this.#segment(base)
  }

  async read(from: number, limit: number): Promise<readonly { position: number; bytes: Uint8Array }[]> {
    if (!this.#options.writable) this.#refresh()
    const entries: { position: number; bytes: Uint8Array }[] = []
    let position = from
    while (entries.length < limit && position < this.#durable) {
      const base = this.#bases.findLast((start) => start <= position)
      if (base === undefined) break
      const segment = this.#segment(base)
      const first = position - base
      const last = Math.min(segment.offsets.length - 1, first + limit - entries.length, this.#durable - base)
      if (last <= first) break
      for (const bytes of readEntries(segment, first, last)) entries.push({ position: position++, bytes })
    }
    return entries
  }

  end(): number {
    if (!this.#options.writable) this.#refresh()
    return this.#durable
  }

  #refresh(): void {
    this.#look()
    const last = this.#bases.at(-1)
    if (last === undefined) return
    this.#segments.delete(last)
    this.#durable = last + this.#segment(last).offsets.length - 1
  }

  bytes(): number {
    return this.#bases.reduce((sum, base) => sum + statSync(join(this.#folder, segmentName(base))).size, 0)
  }

  syncSoon(): void {
    if (!this.#dirty || this.#file === null) return
    this.#dirty = false
    // A failure shows at the next write, which the caller is told about.
    this.#file.datasync().catch(() => {
      this.#dirty = true
    })
  }

  async close(): Promise<void> {
    this.#commit.within(0)
    while (this.#commit.running !== null) await this.#commit.running
    if (this.#file !== null) {
      await this.#file.datasync()
      await this.#file.close()
      this.#file = null
    }
  }
}

const nothing = Buffer.alloc(0)
const smallestBlock = 16 * 1024

/** Room for so many bytes more. */
function reserve(batch: Batch, more: number): void {
  const needed = batch.bytes + more
  if (needed <= batch.block.length) return
  const grown = Buffer.allocUnsafe(Math.max(smallestBlock, batch.block.length * 2, needed))
  grown.set(batch.block.subarray(0, batch.bytes))
  batch.block = grown
}

function newBatch(): Batch {
  let resolve = (): void => {}
  let reject = (_: unknown): void => {}
  const durable = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  // Whoever does not wait for it is not to be ended by it.
  durable.catch(() => {})
  return { block: nothing, bytes: 0, lengths: [], durable, resolve, reject }
}
