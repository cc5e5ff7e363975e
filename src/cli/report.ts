/** How an error reads: its code, what is wrong, and what to do; or the same as JSON. And the exit code that says of what class it is. */
import { exitOfRefusal } from '../batch/index.ts'
import { isSixfoldError, SixfoldError, toProblem } from '../kernel/errors.ts'

/** On a command line, whoever asks owns the data: what went wrong inside is told in its own words. */
function known(error: unknown): SixfoldError {
  if (isSixfoldError(error)) return error
  const { syscall, message } = error as Partial<NodeJS.ErrnoException>
  return new SixfoldError('SX_INTERNAL', message ?? String(error), {
    fix:
      syscall === undefined
        ? 'This is a defect in Sixfold. Run the command again with --debug, and report what it prints.'
        : 'The system refused it: see that the path exists, may be written, and has room.',
    cause: error,
  })
}

/** 0 done, 1 failed, 2 called wrongly, 3 the gate of a batch refuses, 4 not found, 5 try again later. */
export function exitCodeOf(error: unknown): number {
  const { code, status, retry } = known(error)
  if (code === 'SX_BATCH_REFUSED') return exitOfRefusal
  return code === 'SX_USAGE' ? 2 : status === 404 ? 4 : retry ? 5 : 1
}

export function textOf(error: unknown): string {
  const { code, message, fix } = known(error)
  return `${code}: ${message}\n  → ${fix}`
}

export const writeJson = (value: unknown): void => {
  const text = JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member))
  process.stdout.write(`${text}\n`)
}

export const problemOf = (error: unknown): object => ({ error: toProblem(known(error)) })

export function report(error: unknown, json: boolean, debug: boolean): void {
  if (json) writeJson(problemOf(error))
  else process.stderr.write(`${textOf(error)}\n`)
  if (debug)
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      process.stderr.write(`${cause === error ? '' : 'Caused by: '}${cause.stack}\n`)
}
