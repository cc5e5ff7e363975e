/**
 * Work that waits for a worker: the more urgent priority first, within one what is due first. What comes is mostly due after what is
 * there, so a place is looked for from the end.
 */
import type { Value } from '../../expression/node.ts'
import type { Tensors } from '../../ports/model-runtime.ts'
import type { Due, Priority } from './work.ts'
import { priorities } from './work.ts'

/** One caller's rows. Either `row` or `inputs` is there. */
export class Job {
  readonly row: readonly Value[] | null
  readonly inputs: Tensors | null
  /** Outputs asked for by name; of a row, those of the signature. */
  readonly outputs: readonly string[] | null
  readonly rows: number
  readonly deadline: number
  readonly priority: Priority
  readonly since: number
  /** When its caller's time began. */
  readonly arrived: number
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
  /** It was in a call during which a worker was lost: it goes in a call of its own, and only once more. */
  alone = false

  constructor(
    what: { readonly row: readonly Value[] } | { readonly inputs: Tensors; readonly outputs: readonly string[] },
    rows: number,
    { deadline, priority, arrived }: Due,
    since: number,
    resolve: (answer: never) => void,
    reject: (error: unknown) => void,
  ) {
    this.row = 'row' in what ? what.row : null
    this.inputs = 'row' in what ? null : what.inputs
    this.outputs = 'row' in what ? null : what.outputs
    this.rows = rows
    this.deadline = deadline
    this.priority = priority
    this.since = since
    this.arrived = arrived ?? since
    this.resolve = resolve
    this.reject = reject
  }
}

/** Sorted by deadline, with what was taken cut off now and then. */
class Lane {
  #jobs: Job[] = []
  #head = 0
  rows = 0

  get first(): Job | undefined {
    return this.#jobs[this.#head]
  }
  push(job: Job): void {
    const jobs = this.#jobs
    let at = jobs.length
    while (at > this.#head && jobs[at - 1]!.deadline > job.deadline) at--
    if (at === jobs.length) jobs.push(job)
    else jobs.splice(at, 0, job)
    this.rows += job.rows
  }
  shift(): Job {
    const job = this.#jobs[this.#head]!
    this.#head++
    this.rows -= job.rows
    if (this.#head === this.#jobs.length) {
      this.#jobs = []
      this.#head = 0
    } else if (this.#head >= 1_024) {
      this.#jobs = this.#jobs.slice(this.#head)
      this.#head = 0
    }
    return job
  }
}

export class Queue {
  readonly #lanes = priorities.map(() => new Lane())
  rows = 0

  push(job: Job): void {
    this.#lanes[priorities.indexOf(job.priority)]!.push(job)
    this.rows += job.rows
  }
  /** What goes next. */
  get first(): Job | undefined {
    for (const lane of this.#lanes) if (lane.first !== undefined) return lane.first
    return undefined
  }
  shift(): Job {
    const job = this.#lanes.find((lane) => lane.first !== undefined)!.shift()
    this.rows -= job.rows
    return job
  }
  /** Rows that go before one of this priority that comes now. */
  rowsBefore(priority: Priority): number {
    let rows = 0
    for (let i = 0; i <= priorities.indexOf(priority); i++) rows += this.#lanes[i]!.rows
    return rows
  }
  /** When the first of all that wait is due. */
  get due(): number {
    let due = Number.POSITIVE_INFINITY
    for (const { first } of this.#lanes) if (first !== undefined && first.deadline < due) due = first.deadline
    return due
  }
  /** Takes out all that were due by then. */
  expired(now: number): readonly Job[] {
    const gone: Job[] = []
    for (const lane of this.#lanes)
      while (lane.first !== undefined && lane.first.deadline <= now) {
        const job = lane.shift()
        this.rows -= job.rows
        gone.push(job)
      }
    return gone
  }
}
