/**
 * One way to define a command: its arguments and options, what it does, and how its result reads. Help, `--json`, errors and exit
 * codes follow from that and are the same for all.
 */
import type { Tools } from './tools.ts'

export interface CommandOption {
  /** As commander writes it: '--at <instant>'. */
  readonly flags: string
  readonly description: string
  readonly required?: boolean
  readonly repeated?: boolean
}

export interface Command<R> {
  /** 'model add' is the command `add` of the group `model`. */
  readonly name: string
  readonly summary: string
  /** As commander writes them: '<model> <file>', '[view]'. */
  readonly arguments?: readonly { readonly name: string; readonly description: string }[]
  readonly options?: readonly CommandOption[]
  readonly examples?: readonly string[]
  run(context: Context, args: readonly (string | undefined)[], options: Readonly<Record<string, unknown>>): Promise<R>
  /** How the command ends, where that is neither 0 nor, with `ok: false`, 1. */
  exitOf?(result: R): number
  /** For people, on standard output. With `--json` the result itself is written. */
  render(result: R, context: Context): string
}

export interface Context {
  readonly tools: Tools
  /** The folder of the project, or its configuration file. */
  readonly project: string
  readonly json: boolean
  /** A bar on standard error, for work that takes longer than a second. */
  progress(label: string): Progress
  /** A line on standard error; nothing with `--json`. */
  note(text: string): void
  /** Resolves when the process is asked to end. Whoever reads it has to see to that; until then a signal ends the process at once. */
  readonly ended: Promise<string>
}

export interface Progress {
  /** The share of the work that is done. */
  set(done: number): void
  end(): void
}

/** A command renders only what it ran to itself, so that outside its result has no type. */
export const defineCommand = <R>(command: Command<R>): Command<unknown> => command as Command<unknown>
