/** Who asks on a command line: the user of the machine, as the audit names them. */
import type { Asker } from '../api/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { userName } from '../kernel/user.ts'
import type { CommandOption } from './command.ts'

const longestReason = 1_000
export const reasonOption: CommandOption = { flags: '--reason <text>', description: 'why; it is kept in the audit' }

export function askerOf(options: Readonly<Record<string, unknown>>): Asker {
  const reason = options['reason'] === undefined ? null : String(options['reason'])
  if (reason !== null && reason.length > longestReason)
    throw new SixfoldError(
      'SX_USAGE',
      `A reason has at most ${longestReason} characters; this one has ${reason.length}.`,
    )
  return { actor: `local:${userName()}`, reason }
}
