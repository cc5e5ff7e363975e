/** What the cases of the event log need of an adapter. */
import type { EventLog } from '../ports/event-log.ts'

export interface EventLogSetup {
  /** A fresh, empty log; where `bufferBytes` is given, one that lets no more than those wait. */
  open(options?: { readonly bufferBytes: number }): Promise<EventLog>
  /** Another log over the data of this one: beside it where processes may share the data, else after this one was closed. */
  again(log: EventLog): Promise<EventLog>
  /** Whether several processes may append to the same data. */
  readonly shared: boolean
}
