/**
 * When the parts of an answer must be had. The instant by which the answer must leave is fixed when the request arrives: what the caller
 * gives, less what the network takes. Each stage may use its share of what is left when it begins; so time that one saves is the next
 * one's, and one that is late takes it from all that follow.
 */
import type { Budget } from '../definition/model.ts'

export interface Deadlines {
  /** By when the answer must leave, on the clock of `arrived`. */
  leave(arrived: number, timeoutMs: number): number
  /** Until when a stage that begins now may take. */
  features(now: number, leave: number): number
  inference(now: number, leave: number): number
  /** Until when the model is waited for if it has been asked: what nobody foresaw may take the rest. */
  patience(now: number, leave: number): number
}

export function deadlinesOf({ total, networkIn, features, assembly, inference, post, networkOut }: Budget): Deadlines {
  const here = Math.max(0, total - networkIn - networkOut)
  const buffer = Math.max(0, here - features - assembly - inference - post)
  const afterAssembly = inference + post + buffer
  const ofFeatures = features / (features + assembly + afterAssembly)
  const ofInference = inference / afterAssembly
  const ofPatience = (inference + buffer) / afterAssembly
  return {
    leave: (arrived, timeoutMs) => arrived + (timeoutMs * here) / total,
    features: (now, leave) => now + (leave - now) * ofFeatures,
    inference: (now, leave) => now + (leave - now) * ofInference,
    patience: (now, leave) => now + (leave - now) * ofPatience,
  }
}

/** Calls back for what is not done when it is due. One timer serves all: what is due first stands first. */
export interface Lateness {
  watch(due: number, late: () => void): Watched
}
export interface Watched {
  /** It is done: nobody is called back. */
  done(): void
}

class Entry implements Watched {
  readonly due: number
  late: (() => void) | null
  constructor(due: number, late: () => void) {
    this.due = due
    this.late = late
  }
  done(): void {
    this.late = null
  }
}

export function lateness(monotonic: () => number): Lateness {
  let entries: Entry[] = []
  /** Those before it are over. */
  let head = 0
  let timer: NodeJS.Timeout | null = null
  let armedFor = Number.POSITIVE_INFINITY

  const arm = (due: number): void => {
    if (timer !== null) clearTimeout(timer)
    armedFor = due
    timer = setTimeout(look, Math.max(1, Math.ceil(due - monotonic())))
    // What is waited for is a request, which keeps the process by itself.
    timer.unref()
  }
  const look = (): void => {
    timer = null
    armedFor = Number.POSITIVE_INFINITY
    const now = monotonic()
    while (head < entries.length) {
      const entry = entries[head]!
      if (entry.late !== null) {
        if (entry.due > now) break
        const { late } = entry
        entry.late = null
        late()
      }
      head++
    }
    if (head > 1_024 || head === entries.length) {
      entries = entries.slice(head)
      head = 0
    }
    if (head < entries.length) arm(entries[head]!.due)
  }
  return {
    watch: (due, late) => {
      const entry = new Entry(due, late)
      // Later ones are mostly due later.
      let at = entries.length
      while (at > head && entries[at - 1]!.due > due) at--
      if (at === entries.length) entries.push(entry)
      else entries.splice(at, 0, entry)
      if (due < armedFor) arm(due)
      return entry
    },
  }
}
