/** What commander says of a command that was called wrongly, as an error of ours: what is wrong, what was meant, and where to look. */
import type { Command as Commander, CommanderError } from 'commander'
import { SixfoldError } from '../kernel/errors.ts'
import { suggestion } from '../kernel/suggest.ts'

export function usageError(error: CommanderError, command: Commander): SixfoldError {
  return new SixfoldError('SX_USAGE', messageOf(error, command), { fix: `See \`${pathOf(command)} --help\`.` })
}

function messageOf({ code, message }: CommanderError, command: Commander): string {
  const named = /'([^']*)'/.exec(message)?.[1] ?? ''
  switch (code) {
    case 'commander.unknownCommand':
      return `There is no command '${named}'. ${suggestion(named, commandsOf(command))}`
    case 'commander.unknownOption':
      return `There is no option '${named}'. ${suggestion(named, optionsOf(command))}`
    case 'commander.help':
      return `\`${pathOf(command)}\` needs a command. ${suggestion('', commandsOf(command))}`
    default: {
      const text = message.replace(/^error: /, '').replace(/\.?$/, '.')
      return text.charAt(0).toUpperCase() + text.slice(1)
    }
  }
}

const commandsOf = (command: Commander): readonly string[] => command.commands.map((sub) => sub.name())

/** Its own and those of the program. */
const optionsOf = (command: Commander): readonly string[] => [
  ...command.options.map(({ long }) => long ?? ''),
  ...(command.parent === null ? ['--help'] : optionsOf(command.parent)),
]

const pathOf = (command: Commander): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
