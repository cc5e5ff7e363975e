/** The command line: arguments in, a result or an error out, and an exit code that says which. */
import { Command as Commander, CommanderError } from 'commander'
import type { Command, Context } from './command.ts'
import { commands, groups } from './commands/index.ts'
import { progressBar } from './progress.ts'
import { exitCodeOf, report, writeJson } from './report.ts'
import type { Tools } from './tools.ts'
import { usageError } from './usage.ts'

export async function main(argv: readonly string[], tools: Tools): Promise<number> {
  const json = argv.includes('--json')
  const program = ours(new Commander('sixfold'), json)
    .description('Features, predictions and their outcomes, from one set of typed definitions.')
    .version(tools.version, '-v, --version')
    .option('-p, --project <path>', 'the folder of the project, or its configuration file', '.')
    .option('--json', 'the result as JSON on standard output')
    .option('--debug', 'errors with the whole of where they came from')
  let code = 0
  for (const command of commands) add(program, command, tools, json, (result) => (code = result))
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' })
    return code
  } catch (error) {
    // Help and the version were asked for, and given.
    if (error instanceof CommanderError) return 0
    report(error, json, argv.includes('--debug'))
    return exitCodeOf(error)
  }
}

/** Errors of commander's are told like all others. Help that nobody asked for goes to standard error, above the error. */
const ours = (command: Commander, json: boolean): Commander =>
  command
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : usageError(error, command)
    })
    .showSuggestionAfterError(false)
    .configureOutput({
      outputError: () => {},
      writeErr: (text) => {
        if (!json) process.stderr.write(`${text}\n`)
      },
    })

function add(
  program: Commander,
  command: Command<unknown>,
  tools: Tools,
  json: boolean,
  exit: (code: number) => void,
): void {
  const words = command.name.split(' ')
  const group = words
    .slice(0, -1)
    .reduce(
      (parent, word) =>
        parent.commands.find((known) => known.name() === word) ??
        ours(parent.command(word), json).description(groups[word]!),
      program,
    )
  const sub = ours(group.command(words.at(-1)!), json).description(command.summary)
  for (const { name, description } of command.arguments ?? []) sub.argument(name, description)
  for (const { flags, description, required, repeated } of command.options ?? []) {
    if (repeated) sub.option(flags, description, (value: string, before: string[]) => [...before, value], [])
    else if (required) sub.requiredOption(flags, description)
    else sub.option(flags, description)
  }
  if (command.examples !== undefined)
    sub.addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`)
  sub.action(async (...given: unknown[]) => {
    const options = given.at(-2) as Record<string, unknown>
    const context = contextFor(tools, program.opts<{ project: string }>().project, json)
    const result = await command.run(context, given.slice(0, -2) as (string | undefined)[], options)
    const ok = (result as { readonly ok?: unknown } | undefined)?.ok !== false
    if (json) writeJson(result)
    else {
      const text = command.render(result, context)
      if (text !== '') process.stdout.write(`${text}\n`)
    }
    exit(command.exitOf?.(result) ?? (ok ? 0 : 1))
  })
}

function contextFor(tools: Tools, project: string, json: boolean): Context {
  return {
    tools,
    project,
    json,
    progress: (label) => progressBar(label, process.stderr, json),
    note: (text) => {
      if (!json) process.stderr.write(`${text}\n`)
    },
    // Only for a command that asks: all others end at once.
    get ended() {
      return new Promise<string>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
      })
    },
  }
}
