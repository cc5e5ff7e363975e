/** docs/reference/config.md, from the types of the configuration, the limits in force, and the variables that are read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bounds, limits } from '../../src/kernel/limits.ts'
import { standardPort } from '../../src/runtime/listen.ts'
import { header, table } from './markdown.ts'
import { membersOf } from './source.ts'

const source = 'src/runtime/config.ts'

const words: { readonly [key: string]: string } = {
  server: `Where it listens. By default \`127.0.0.1\` and ${standardPort}; port 0 takes any that is free`,
  limits: 'The limits below; what is left out keeps its default',
  duckdb:
    "For training sets and history: how many threads, and how much memory as DuckDB writes it (`'4GB'`). By default DuckDB's own: all cores, and 80 % of the memory",
}

const variables: { readonly [name: string]: string } = {
  SIXFOLD_DATA: 'The data folder, in place of `data`. A relative path starts from the folder of the configuration',
  SIXFOLD_HOST: 'The address to listen on, in place of `server.host`',
  SIXFOLD_PORT: 'The port, in place of `server.port`',
}

const limitWords: { readonly [limit: string]: string } = {
  eventsPerRequest: 'Events of one push.',
  outcomesPerRequest: 'Outcomes of one request.',
  expressionDepth: 'How deep an expression may nest.',
  featuresPerView: 'Features of one view.',
  entriesPerVector: "Entries of a model's vector.",
}

export function config(): string {
  const read = new Set(readFileSync(join(import.meta.dirname, '../..', source), 'utf8').match(/SIXFOLD_[A-Z]+/g))
  for (const name of read) if (variables[name] === undefined) throw new Error(`${name} is read, and not described`)
  for (const name of Object.keys(variables)) if (!read.has(name)) throw new Error(`${name} is described, and not read`)
  const keys = membersOf(source, 'Config').map(({ name, type, optional, comment }) => {
    const described = words[name] ?? comment.replace(/\.$/, '')
    if (described === '') throw new Error(`The key '${name}' is not described`)
    return [`\`${name}\``, `\`${type.replaceAll('readonly ', '')}\``, optional ? 'no' : 'yes', described]
  })
  const rowsOf = (of: 'Limits' | 'Bounds', values: object): readonly (readonly string[])[] =>
    membersOf('src/kernel/limits.ts', of).map(({ name, comment }) => {
      const described = comment || limitWords[name]
      if (described === undefined) throw new Error(`The limit '${name}' is not described`)
      return [`\`${name}\``, (values as { readonly [limit: string]: number })[name]!.toLocaleString('en'), described]
    })
  return `${header('Configuration', 'src/runtime/config.ts and src/kernel/limits.ts')}The command \`sixfold\` looks for \`sixfold.config.ts\`, \`.mjs\` or \`.js\` in the working folder, then above it. Its default export is the
configuration. An unknown key is an error that names the one you may have meant.

\`\`\`ts
import { defineConfig } from 'sixfold'

export default defineConfig({
  platform: './platform.ts',
  data: '.sixfold',
  server: { host: '127.0.0.1', port: ${standardPort} },
  sync: 'second',
  limits: { pendingEvents: 10_000 },
  duckdb: { threads: 2, memory: '2GB' },
})
\`\`\`

## Keys

${table(['Key', 'Type', 'Needed', 'What it is'], keys)}

In a Node process, \`sixfold(platform, options)\` takes \`data\`, \`limits\`, \`sync\` and \`duckdb\` in the same form, besides:

${table(
  ['Option', 'What it is'],
  membersOf('src/runtime/open.ts', 'OpenOptions')
    .filter(({ name }) => !['data', 'limits', 'sync', 'duckdb'].includes(name))
    .map(({ name, comment }) => [`\`${name}\``, comment || openWords[name]!]),
)}

It reads no configuration file and no environment variable.

## Environment

These come before the file.

${table(
  ['Variable', 'What it sets'],
  Object.entries(variables).map(([name, text]) => [`\`${name}\``, text]),
)}

## Limits

Whatever can grow has a limit. These are changed by \`limits\` in the configuration:

${table(['Limit', 'Default', 'Of what'], rowsOf('Limits', limits))}

These cannot be changed: what values and definitions mean depends on them.

${table(['Bound', 'Value', 'Of what'], rowsOf('Bounds', bounds))}
`
}

const openWords: { readonly [option: string]: string } = {
  clock:
    'What time it is. By default the time of the machine; `manualClock(instant)` stands still until `advanceTo` moves it',
  logger: 'A pino logger. By default none',
}
