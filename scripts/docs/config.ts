/** docs/reference/config.md, from the types of the configuration, the limits in force, and the variables that are read. */
import { bounds, limits } from '../../src/kernel/limits.ts'
import { urlVariable, variables } from '../../src/runtime/environment.ts'
import { standardPort } from '../../src/runtime/listen.ts'
import type { StorePort } from '../../src/runtime/store-settings.ts'
import { passwordVariables } from '../../src/runtime/store-settings.ts'
import { readStoreUrl } from '../../src/runtime/store-urls.ts'
import { header, table } from './markdown.ts'
import { membersOf } from './source.ts'

const source = 'src/runtime/config.ts'

const words: { readonly [key: string]: string } = {
  server: 'Where it listens, and who may ask it: [below](#server)',
  webhooks:
    '`allowPrivate`: whether [webhooks](../how-to/webhooks.md) may lead to private networks. By default to the internet alone',
  batch:
    '`schedule`: whether a server keeps the [schedules of batches](../how-to/schedule-batches.md), by default it does; `parallel`: runs that the schedule has worked on at once, by default 1; `spark`: how [Spark](../how-to/run-batches-on-spark.md) is started: `submit`, `master` and `conf`',
  limits: 'The limits below; what is left out keeps its default',
  duckdb:
    "For training sets and history: how many threads, and how much memory as DuckDB writes it (`'4GB'`). By default DuckDB's own: all cores, and 80 % of the memory",
}

/** Each form of a URL, with all its parameters: checked below by reading it. */
const urls: readonly { readonly ports: readonly StorePort[]; readonly url: string; readonly says: string }[] = [
  {
    ports: ['online'],
    url: 'redis://app@cache.example:6379/0?prefix=sixfold',
    says: 'Redis or Valkey; `rediss://` for TLS. The user, the port (6379) and the number of the database (0) may be left out. Keys begin with `prefix`',
  },
  {
    ports: ['log'],
    url: 'kafka://app@b1.example:9092,b2.example:9092?prefix=sixfold&partitions=8&replication=3&tls=true&sasl=scram-sha-256',
    says: 'Kafka. Names of topics begin with `prefix`; `partitions` (8) and `replication` (3) are of topics made from then on. With `sasl`, which is `plain`, `scram-sha-256` or `scram-sha-512`, a user and a password are needed; without, there is none',
  },
  {
    ports: ['log', 'metadata', 'serving'],
    url: 'postgres://app@db.example:5432/app?schema=sixfold&sslmode=verify-full&sslrootcert=/etc/ca.pem',
    says: 'PostgreSQL. The user and the database are needed. `sslmode` is `disable` (the default), `verify-full`, which `require` and `verify-ca` mean as well, or `no-verify`; `sslrootcert` is a file of certificates to trust',
  },
  {
    ports: ['artifacts'],
    url: 's3://bucket/models?region=eu-central-1&endpoint=https://s3.example&pathStyle=true',
    says: 'S3, or what speaks like it at `endpoint`. `pathStyle=true` puts the bucket into the path, as most of those need',
  },
  {
    ports: ['offline'],
    url: 's3://?region=eu-central-1&endpoint=https://s3.example&pathStyle=true',
    says: 'The same, without a bucket: those stand in the paths of definitions',
  },
]

function urlRows(): readonly (readonly string[])[] {
  return urls.flatMap(({ ports, url, says }) => {
    for (const port of ports)
      readStoreUrl(
        port,
        { name: port, url, inFile: true, password: port in passwordVariables ? 'x' : null },
        (problem) => {
          throw new Error(`${url} is not read: ${problem}`)
        },
      )
    return [[ports.map((port) => `\`${port}\``).join(', '), `\`${url}\``, says]]
  })
}

const secrets = (port: StorePort): string =>
  port in passwordVariables
    ? `\`${passwordVariables[port as keyof typeof passwordVariables]}\``
    : '`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or whatever else the AWS SDK finds'

const limitWords: { readonly [limit: string]: string } = {
  eventsPerRequest: 'Events of one push.',
  outcomesPerRequest: 'Outcomes of one request.',
  expressionDepth: 'How deep an expression may nest.',
  featuresPerView: 'Features of one view.',
  entriesPerVector: "Entries of a model's vector.",
  searchConditions: 'Conditions of one search.',
  searchOrderings: 'Orderings of one search.',
  searchValues: 'Values in all lists of one search.',
  searchText: 'Characters of the text of a filter.',
}

export function config(): string {
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
  stores: {
    online: 'redis://cache.example:6379',
    log: 'kafka://b1.example:9092,b2.example:9092',
    metadata: 'postgres://app@db.example:5432/app',
    artifacts: 's3://models/app?region=eu-central-1',
  },
})
\`\`\`

## Keys

${table(['Key', 'Type', 'Needed', 'What it is'], keys)}

In a Node process, \`sixfold(platform, options)\` takes \`data\`, \`limits\`, \`sync\`, \`duckdb\` and \`stores\` in the same form, where the URLs of
stores may hold passwords; besides:

${table(
  ['Option', 'What it is'],
  membersOf('src/runtime/open.ts', 'OpenOptions')
    .filter(({ name }) => !['data', 'limits', 'sync', 'duckdb', 'stores'].includes(name))
    .map(({ name, comment }) => [`\`${name}\``, comment || openWords[name]!]),
)}

It reads no configuration file and no environment variable.

## Server

${table(
  ['Key', 'Type', 'What it is'],
  membersOf(source, 'ServerConfig').map(({ name, type, comment }) => [
    `\`${name}\``,
    `\`${type.replaceAll('readonly ', '')}\``,
    comment.replace(/\.$/, ''),
  ]),
)}

[How to control access](../how-to/control-access.md) has more on the last two.

## Stores

A store that is not named is embedded, in the data folder, and has one server at a time. Servers that share an online store, a log,
metadata and artifacts are [one system](../how-to/configure-stores.md).

${table(
  ['Key', 'What it holds', 'Variable', 'Secrets, from the environment alone'],
  membersOf(source, 'StoreUrls').map(({ name, comment }) => [
    `\`${name}\``,
    comment,
    `\`${urlVariable(name as StorePort)}\``,
    secrets(name as StorePort),
  ]),
)}

A URL has these forms. What it does not name has the default in brackets; what is not known, or said twice, is an error.

${table(['Key', 'URL', 'What it is'], urlRows())}

In a user's name or a password \`@\`, \`:\`, \`/\`, \`?\`, \`#\` and \`%\` are written as \`%40\`, \`%3A\`, \`%2F\`, \`%3F\`, \`%23\` and \`%25\`. In a
file a password is refused; in a variable's URL it is taken, and never printed.

## Environment

These come before the file. An empty one is none; one that begins with \`SIXFOLD_\` and is not known is an error, except those that Kubernetes
sets for a Service whose name is \`sixfold\` or begins so. That sets \`SIXFOLD_PORT\` as well: say \`enableServiceLinks: false\` in the pod's
spec.

${table(
  ['Variable', 'What it sets'],
  [
    ...Object.entries(variables).map(([name, text]) => [`\`${name}\``, text]),
    [
      '`SIXFOLD_LIMIT_…`',
      'The limit of that name, in capitals with `_` between its words: `SIXFOLD_LIMIT_BODY_BYTES` for `bodyBytes`',
    ],
  ],
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
