/** The command line: arguments in, a result or an error out, and an exit code that says which. */
import { Command as Commander, CommanderError } from 'commander'
import { isSixfoldError, SixfoldError, toProblem } from '../kernel/errors.ts'
import type { Command, Context } from './command.ts'
import { commands } from './commands/index.ts'
import { progressBar } from './progress.ts'
import type { Tools } from './tools.ts'

/** 0 done, 1 failed, 2 called wrongly, 4 not found, 5 try again later. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (!isSixfoldError(error)) return 1
  if (error.code === 'SX_USAGE') return 2
  return error.status === 404 ? 4 : error.retry ? 5 : 1
}

export async function main(argv: readonly string[], tools: Tools): Promise<number> {
  const json = argv.includes('--json')
  const program = new Commander('sixfold')
    .description('Features, predictions and their outcomes, from one set of typed definitions.')
    .version(tools.version, '-v, --version')
    .option('-p, --project <path>', 'the folder of the project, or its configuration file', '.')
    .option('--json', 'the result as JSON on standard output')
    .option('--debug', 'errors with the whole of where they came from')
    .exitOverride()
    .showHelpAfterError('Run it with --help to see what it takes.')
    .configureOutput({ writeErr: (text) => (json ? undefined : process.stderr.write(text)) })
  let code = 0
  for (const command of commands) add(program, command, tools, (result) => (code = result))
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    report(error, json, argv.includes('--debug'))
    return exitCodeOf(error)
  }
}

function add(program: Commander, command: Command<unknown>, tools: Tools, exit: (code: number) => void): void {
  const words = command.name.split(' ')
  const group = words
    .slice(0, -1)
    .reduce(
      (parent, word) =>
        parent.commands.find((known) => known.name() === word) ??
        parent.command(word).description(`Commands of ${word}.`),
      program,
    )
  const sub = group.command(words.at(-1)!).description(command.summary).exitOverride()
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
    const { project, json } = program.opts<{ project: string; json?: boolean }>()
    const context = contextFor(tools, project, json === true)
    const result = await command.run(context, given.slice(0, -2) as (string | undefined)[], options)
    const failed = (result as { readonly ok?: unknown } | undefined)?.ok === false
    if (context.json)
      process.stdout.write(
        `${JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`,
      )
    else {
      const text = command.render(result, context)
      if (text !== '') process.stdout.write(`${text}\n`)
    }
    if (failed) exit(1)
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
    ended: new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
    }),
  }
}

function report(error: unknown, json: boolean, debug: boolean): void {
  if (error instanceof CommanderError) {
    if (json && error.exitCode !== 0)
      process.stdout.write(
        `${JSON.stringify({ error: toProblem(new SixfoldError('SX_USAGE', error.message.replace(/^error: /, ''))) })}\n`,
      )
    return
  }
  if (json) process.stdout.write(`${JSON.stringify({ error: toProblem(error) })}\n`)
  else if (isSixfoldError(error)) process.stderr.write(`${error.code}: ${error.message}\n  → ${error.fix}\n`)
  else
    process.stderr.write(
      `SX_INTERNAL: ${error instanceof Error ? error.message : String(error)}\n  → This is a defect in Sixfold. Run the command again with --debug, and report what it prints.\n`,
    )
  if (debug && error instanceof Error)
    process.stderr.write(`${error.stack}\n${error.cause instanceof Error ? `Caused by: ${error.cause.stack}\n` : ''}`)
}
