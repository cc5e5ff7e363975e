/**
 * The name of an append, known before it is sent: the partition, the time, who appended and which of its appends it is. The
 * first record of the append has it as its key, and the time as its timestamp, so Kafka's index of time leads close to it.
 */
import { randomBytes } from 'node:crypto'

interface Reference {
  readonly partition: number
  readonly timestamp: number
  readonly writer: string
  readonly count: number
}

const writerLength = 10
const form = /^([0-9a-z]{1,6})-([0-9a-z]{1,9})-([0-9a-z]{10})([0-9a-z]{1,10})$/

/** A name that no other process has: 51 bits of chance. */
export const writerName = (): string =>
  (randomBytes(8).readBigUInt64BE() & ((1n << 51n) - 1n)).toString(36).padStart(writerLength, '0')

export const referenceOf = ({ partition, timestamp, writer, count }: Reference): string =>
  `${partition.toString(36)}-${timestamp.toString(36)}-${writer}${count.toString(36)}`

/** Null for what no append was ever named. */
export function parseReference(text: string): Reference | null {
  const parts = form.exec(text)
  if (parts === null) return null
  const [partition, timestamp, count] = [parts[1]!, parts[2]!, parts[4]!].map((part) => Number.parseInt(part, 36))
  const reference = { partition: partition!, timestamp: timestamp!, writer: parts[3]!, count: count! }
  return referenceOf(reference) === text ? reference : null
}
