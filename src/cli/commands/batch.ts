/** What there is of batches: list, show, lookup, compare, report, files, lineage and export. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { BatchAnswer, BatchStanding, Compared, RunDetail } from '../../batch/index.ts'
import { airflowDag } from '../../batch/index.ts'
import type { Batch } from '../../definition/batch.ts'
import { batchesOf, batchNamed } from '../../definition/graph.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import {
  answerLine,
  batchArgument,
  detailText,
  instantOption,
  runTable,
  versionArgument,
  wholeOption,
  withBatches,
} from '../batches.ts'
import type { Command } from '../command.ts'
import { defineCommand } from '../command.ts'
import { count, instant, table, value } from '../text.ts'
import { withWorkbench } from './model.ts'

interface Listed {
  readonly batches: readonly BatchStanding[] | null
  readonly runs: readonly BatchRun[] | null
}

const batchList = defineCommand<Listed>({
  name: 'batch list',
  summary: 'All batches, what is live of each and when it is next due; or the runs of one, newest first.',
  arguments: [{ name: '[batch]', description: 'whose runs; by default all batches are listed' }],
  options: [
    { flags: '--limit <n>', description: 'so many runs; by default 20' },
    { flags: '--before <version>', description: 'older than this version' },
    { flags: '--from <instant>', description: 'for this instant or a later one' },
    { flags: '--until <instant>', description: 'for an instant before this one' },
  ],
  run: (context, [name], options) =>
    withBatches(context, async (batches) => {
      if (name === undefined) return { batches: await batches.standings(), runs: null }
      const [before, from, until] = [
        wholeOption(options['before'], '--before', 1),
        instantOption(options['from'], '--from'),
        instantOption(options['until'], '--until'),
      ]
      const runs = await batches.runs(name, {
        limit: wholeOption(options['limit'], '--limit', 1) ?? 20,
        ...(before === undefined ? {} : { before }),
        ...(from === undefined ? {} : { from }),
        ...(until === undefined ? {} : { until }),
      })
      return { batches: null, runs }
    }),
  render: ({ batches, runs }) => {
    if (runs !== null) return runs.length === 0 ? 'It never ran.' : runTable(runs)
    if (batches === null || batches.length === 0) return 'No batch is defined.'
    return table(
      ['batch', 'model', 'live', 'for', 'latest', 'next due'],
      batches.map(({ batch, model, live, stale, latest, schedule, hold }) => [
        batch,
        model,
        `${live === null ? 'nothing' : `version ${live.version}${stale ? ', stale' : ''}`}${hold === null ? '' : ', held'}`,
        live === null ? '–' : instant(live.at),
        latest === null ? 'never ran' : `${latest.version}: ${latest.state}`,
        schedule === null ? 'when asked for' : instant(schedule.next),
      ]),
    )
  },
})

const batchShow = defineCommand<RunDetail>({
  name: 'batch show',
  summary: 'One run: how far it is, what the gate found, what it took.',
  arguments: [batchArgument, versionArgument],
  examples: ['sixfold batch show route_risk', 'sixfold batch show route_risk live --json'],
  run: (context, [name, version]) => withBatches(context, (batches) => batches.show(name!, version ?? 'latest')),
  render: detailText,
})

const batchLookup = defineCommand<{ readonly answers: readonly BatchAnswer[] }>({
  name: 'batch lookup',
  summary: 'What is live for a key, as an application is answered.',
  arguments: [batchArgument],
  options: [{ flags: '-k, --key <part=value>', description: 'a part of the key; once for each part', repeated: true }],
  examples: ['sixfold batch lookup route_risk -k carrier=UA -k origin=EWR'],
  run: (context, [name], options) =>
    withWorkbench(context, async ({ platform, batches }) => {
      const key = keyFrom(options['key'] as readonly string[], batchNamed(platform, name!))
      return { answers: await batches.lookup(name!, [key]) }
    }),
  render: ({ answers }) => answers.map(answerLine).join('\n'),
})

/** Everything on a command line is text. What is missing or unknown, looking up says. Throws SX_USAGE. */
function keyFrom(pairs: readonly string[], { key: parts }: Batch): { readonly [part: string]: string | boolean } {
  const key: { [part: string]: string | boolean } = {}
  for (const pair of pairs) {
    const [part, text] = pair.split(/=(.*)/s)
    if (part === undefined || part === '' || text === undefined)
      throw new SixfoldError('SX_USAGE', `--key '${pair}' is no part and value.`, {
        fix: `Write ${Object.keys(parts)
          .map((known) => `--key ${known}=…`)
          .join(' ')}`,
      })
    key[part] = parts[part] === 'boolean' && (text === 'true' || text === 'false') ? text === 'true' : text
  }
  return key
}

const batchCompare = defineCommand<Compared>({
  name: 'batch compare',
  summary: 'Two versions of a batch, held against each other.',
  arguments: [batchArgument, { ...versionArgument, name: '<before>' }, { ...versionArgument, name: '<after>' }],
  examples: ['sixfold batch compare route_risk live latest'],
  run: (context, [name, before, after]) => withBatches(context, (batches) => batches.compare(name!, before!, after!)),
  render: ({ before, after, rows: { rows, flips, top, moved }, checks }) =>
    [
      `Version ${before} has ${count(rows.before, 'row')}, ${after} has ${rows.after.toLocaleString('en')}; ${count(rows.both, 'key')} in both.`,
      ...(flips === null ? [] : [`  another decision   ${count(flips, 'key')}`]),
      ...(top === null ? [] : [`  of the first ${top.k}   ${top.both} in both`]),
      ...Object.entries(moved).map(
        ([output, { mean, most }]) => `  ${output} moved by ${value(mean)} in the mean, ${value(most)} at most`,
      ),
      ...checks.map(
        ({ outcome, words }) => `  ${outcome === 'refused' ? '✗' : outcome === 'passed' ? '✓' : '–'} ${words}`,
      ),
    ].join('\n'),
})

const batchReport = defineCommand<{ readonly out: string | null; readonly html: string | null }>({
  name: 'batch report',
  summary: "The gate's report as a page of HTML by itself.",
  arguments: [batchArgument, versionArgument],
  options: [{ flags: '--out <file>', description: 'where; by default on standard output' }],
  examples: ['sixfold batch report route_risk --out report.html'],
  run: (context, [name, version], options) =>
    withBatches(context, async (batches) => {
      const html = await batches.report(name!, version ?? 'latest')
      if (options['out'] === undefined) return { out: null, html }
      const out = resolve(String(options['out']))
      await writeFile(out, html)
      return { out, html: null }
    }),
  render: ({ out, html }) => html ?? `Written to ${out}`,
})

const batchFiles = defineCommand<{ readonly files: readonly string[] }>({
  name: 'batch files',
  summary: 'The Parquet files of a version, on this machine.',
  arguments: [batchArgument, { ...versionArgument, description: `${versionArgument.description}; by default live` }],
  run: (context, [name, version]) =>
    withBatches(context, async (batches) => ({ files: await batches.files(name!, version ?? 'live') })),
  render: ({ files }) => files.join('\n'),
})

const batchLineage = defineCommand<{ readonly events: readonly unknown[] }>({
  name: 'batch lineage',
  summary: 'What went into a version and what came of it, as events of OpenLineage, one a line.',
  arguments: [batchArgument, versionArgument],
  run: (context, [name, version]) =>
    withBatches(context, async (batches) => ({ events: await batches.lineage(name!, version ?? 'latest') })),
  render: ({ events }) => events.map((event) => JSON.stringify(event)).join('\n'),
})

const batchExport = defineCommand<{
  readonly out: string | null
  readonly text: string
  readonly batches: readonly string[]
}>({
  name: 'batch export',
  summary: 'Batches as a workflow of another system: an Airflow 3 DAG for each that has a schedule.',
  arguments: [{ name: '[batch...]', description: 'by default all that have a schedule' }],
  options: [
    { flags: '--airflow', description: 'for Airflow 3', required: true },
    { flags: '--out <file>', description: 'where; by default on standard output' },
    { flags: '--command <command>', description: 'how Sixfold is started there; by default npx sixfold' },
    { flags: '--folder <path>', description: 'where the project lies there; by default where it does here' },
    { flags: '--pool <pool>', description: "the pool of the scoring tasks; by default Airflow's own" },
    { flags: '--retries <n>', description: 'how often a task is tried again; by default 2' },
    {
      flags: '--start <instant>',
      description: 'from when on missed runs are made up for, where a batch makes up for all',
    },
    {
      flags: '--parallel <n>',
      description: 'partitions that are scored at once; by default as many as Airflow has slots',
    },
  ],
  examples: ['sixfold batch export --airflow --out ~/airflow/dags/batches.py'],
  run: async (context, [given], options) => {
    const names = (given as unknown as readonly string[] | undefined) ?? []
    const { folder } = await context.tools.load(context.project)
    return withWorkbench(context, async ({ platform }) => {
      const batches =
        names.length === 0
          ? batchesOf(platform).filter(({ schedule }) => schedule !== null)
          : names.map((name) => batchNamed(platform, name))
      const text = airflowDag(batches, {
        folder: options['folder'] === undefined ? folder : String(options['folder']),
        command: options['command'] === undefined ? 'npx sixfold' : String(options['command']),
        pool: options['pool'] === undefined ? null : String(options['pool']),
        retries: wholeOption(options['retries'], '--retries', 0) ?? 2,
        parallel: wholeOption(options['parallel'], '--parallel', 1) ?? null,
        start: instantOption(options['start'], '--start') ?? null,
      })
      const out = options['out'] === undefined ? null : resolve(String(options['out']))
      if (out !== null) await writeFile(out, text)
      return { out, text, batches: batches.map(({ name }) => name) }
    })
  },
  render: ({ out, text, batches }) => (out === null ? text.trimEnd() : `${out}: ${batches.join(', ')}`),
})

export const batchCommands: readonly Command<unknown>[] = [
  batchList,
  batchShow,
  batchLookup,
  batchCompare,
  batchReport,
  batchFiles,
  batchLineage,
  batchExport,
]
