/** docs/reference/cli.md, from the definitions of the commands. */
import type { Command } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands/index.ts'
import { header, table } from './markdown.ts'

/** More than help can say in a line. A name that is no command fails. */
const more: { readonly [command: string]: string } = {
  check:
    "Reads the history of every source once and counts what is wrong with it: rows without a time, rows without an arrival, values taken as missing (not finite, or outside the field's range or list), and ids that an earlier event had. A history that cannot be read is named, and the exit code is then 1.",
  plan: 'A definition counts as changed when its hash differs from the one that was applied. Descriptions and the places of history and streams are not part of a view’s hash.',
  apply: 'Drops the online state of views that are no longer defined so. State of views that did not change stays.',
  materialize:
    'A run that was killed goes on where it stopped when it is asked for again. History is added in place where no pushed event lies within it; else the view is built anew beside the state that answers, and takes its place when it is complete.',
  'training-set':
    "Writes the columns of the label file unchanged, then `view__feature` for each `--view`, then `vector__entry` for each entry of the model's vector. The label file has the keys under the names by which the model or view asks for them, and the model's request fields. The hashes of the definitions and the list of vector columns (`sixfold.vector`) are in the file's metadata.",
  'model add':
    'The file is loaded in a process of its own first. A server takes up the new version within a second or two.',
  serve:
    'Starts only when the definitions are those that were applied, or when none were ever applied. Ends on SIGINT or SIGTERM, once what is under way is answered. With `--json` it writes one line when it listens, `{"url", "models"}`.',
  dev: 'Applies changed definitions at each start, and starts over when a `.ts`, `.mts`, `.js` or `.mjs` file of the project changes. The data stays.',
}

export function cli(): string {
  for (const name of Object.keys(more))
    if (!commands.some((command) => command.name === name)) throw new Error(`There is no command '${name}'`)
  return `${header('Command line', 'src/cli/commands')}\`sixfold COMMAND\`. The project is found through \`sixfold.config.ts\`, in the working folder or above it. Paths on the command line start
from the working folder. A command may run beside a server on the same data folder; two servers may not.

${table(
  ['Option of every command', 'What it does'],
  [
    ['`-p, --project <path>`', 'The folder of the project, or its configuration file. By default the working folder'],
    ['`--json`', 'The result as one line of JSON on standard output, and errors as `{"error": …}`'],
    ['`--debug`', 'Errors with the whole of where they came from'],
    ['`-v, --version`', 'The version'],
    ['`-h, --help`', 'Help, also of one command'],
  ],
)}

${table(
  ['Exit code', 'Means'],
  [
    ['0', 'Done'],
    ['1', 'Failed, or `check` found something'],
    ['2', 'Called wrongly: `SX_USAGE`, or arguments that the command does not take'],
    ['4', 'Something named does not exist: errors with the status 404'],
    ['5', 'Try again later: errors with `retry`'],
  ],
)}

Results go to standard output; progress, notes and errors to standard error. The options above go before or after the command.

${commands.map(section).join('\n\n')}
`
}

function section({ name, summary, arguments: args = [], options = [], examples = [] }: Command<unknown>): string {
  const usage = ['sixfold', name, ...args.map((one) => one.name), ...(options.length > 0 ? ['[options]'] : [])].join(
    ' ',
  )
  const rows = [
    ...args.map((one) => [`\`${one.name}\``, one.description]),
    ...options.map(({ flags, description, required, repeated }) => [
      `\`${flags}\``,
      `${description}${required ? '; needed' : ''}${repeated && !/once|repeated/.test(description) ? '; may be repeated' : ''}`,
    ]),
  ]
  return [
    `## ${name}`,
    summary,
    `Usage: \`${usage}\``,
    ...(rows.length > 0 ? [table(['Argument or option', 'What it is'], rows)] : []),
    ...(more[name] === undefined ? [] : [more[name]]),
    ...(examples.length > 0 ? [`\`\`\`sh\n${examples.join('\n')}\n\`\`\``] : []),
  ].join('\n\n')
}
