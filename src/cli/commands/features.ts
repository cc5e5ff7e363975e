/** materialize, features get and training-set: features from history, now, and as they were. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FeatureAnswer } from '../../api/index.ts'
import type { Platform } from '../../definition/graph.ts'
import { allViewsOf, viewNamed } from '../../definition/graph.ts'
import type { AnyView } from '../../definition/view.ts'
import type { Materialized } from '../../features/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { parseInstant } from '../../kernel/instant.ts'
import { formatBytes } from '../../kernel/size.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { TrainingSetResult } from '../../ports/offline-store.ts'
import { defineCommand } from '../command.ts'
import { age, count, instant, seconds, table, value } from '../text.ts'

function instantOption(text: unknown, name: string): number | null {
  if (text === undefined) return null
  const at = parseInstant(String(text))
  if (at === null)
    throw new SixfoldError('SX_USAGE', `${name} '${String(text)}' is no instant.`, {
      fix: 'Write ISO 8601 with a zone: 2013-06-01T12:00:00Z.',
    })
  return at
}

export const materialize = defineCommand<{ readonly views: readonly Materialized[] }>({
  name: 'materialize',
  summary: 'Build the online state of views from history, or add to it what history has become since.',
  arguments: [{ name: '[view...]', description: 'by default all' }],
  options: [
    { flags: '--through <instant>', description: 'history visible by then; by default all there is' },
    { flags: '--rebuild', description: 'build anew, also where history could be added' },
  ],
  examples: ['sixfold materialize', 'sixfold materialize carrier_punctuality --through 2013-06-01T00:00:00Z'],
  run: async ({ tools, project, progress }, [views], options) => {
    const through = instantOption(options['through'], '--through')
    const workbench = await tools.open(project)
    const results: Materialized[] = []
    try {
      for (const view of viewsToBuild(workbench.platform, (views as unknown as string[] | undefined) ?? [])) {
        const bar = progress(view)
        const request = { through, rebuild: options['rebuild'] === true }
        try {
          results.push(await workbench.materialize(view, request, (done) => bar.set(done)))
        } finally {
          bar.end()
        }
      }
    } finally {
      await workbench.close()
    }
    return { views: results }
  },
  render: ({ views }) => {
    if (views.length === 0) return 'No view has a history: pushed events alone make their state.'
    return table(
      ['view', '', 'events', 'entities', 'through', 'took'],
      views.map(({ view, mode, resumed, events, entities, through, milliseconds }) => [
        view,
        resumed ? `${mode}, resumed` : mode,
        events.toLocaleString('en'),
        entities.toLocaleString('en'),
        instant(through),
        seconds(milliseconds),
      ]),
    )
  },
})

/** Those named, all of which have to have a history; or all that have one. */
function viewsToBuild(platform: Platform, names: readonly string[]): readonly string[] {
  for (const name of names)
    if (viewNamed(platform, name).basis.source.history === null)
      throw new SixfoldError('SX_USAGE', `View '${name}' has no history: pushed events alone make its state.`, {
        fix: `Give the source '${viewNamed(platform, name).basis.source.name}' a history, or leave '${name}' out.`,
      })
  if (names.length > 0) return names
  return allViewsOf(platform).flatMap(({ name, basis }) => (basis.source.history === null ? [] : [name]))
}

export const featuresGet = defineCommand<FeatureAnswer>({
  name: 'features get',
  summary: 'The features of an entity, from the online state.',
  arguments: [{ name: '<view>', description: 'the view to read' }],
  options: [
    { flags: '-k, --key <part=value>', description: 'a part of the key; once for each part', repeated: true },
    { flags: '--at <instant>', description: 'the instant asked about; by default now' },
  ],
  examples: [
    'sixfold features get carrier_punctuality -k carrier=UA',
    'sixfold features get route_pace -k origin=EWR -k dest=SFO --json',
  ],
  run: async ({ tools, project }, [view], options) => {
    const workbench = await tools.open(project)
    try {
      const keys = keysFrom(options['key'] as readonly string[], viewNamed(workbench.platform, view!))
      return await workbench.readFeatures(view!, keys, instantOption(options['at'], '--at') ?? undefined)
    } finally {
      await workbench.close()
    }
  },
  render: ({ view, at, entity, newest, features }) =>
    [
      `${view} at ${instant(at)}${entity === 'never seen' ? ', an entity never seen' : `, newest event ${age(at - newest!)} before`}`,
      ...Object.entries(features).map(([name, v]) => `  ${name}  ${value(v)}`),
    ].join('\n'),
})

/** Everything on a command line is text; the door reads integers and instants from it, but not conditions. */
function keysFrom(
  pairs: readonly string[],
  { name, key: types }: AnyView,
): { readonly [part: string]: string | boolean } {
  const fix = `Write ${Object.keys(types)
    .map((part) => `--key ${part}=…`)
    .join(' ')}`
  const keys: { [part: string]: string | boolean } = {}
  for (const pair of pairs) {
    const [part, text] = pair.split(/=(.*)/s)
    if (part === '' || text === undefined)
      throw new SixfoldError('SX_USAGE', `--key '${pair}' is no part and value.`, { fix })
    if (types[part!] === undefined)
      throw new SixfoldError(
        'SX_USAGE',
        `The key of view '${name}' has no part '${part}'. ${suggestion(part!, Object.keys(types))}`,
        { fix },
      )
    keys[part!] = types[part!] === 'boolean' && (text === 'true' || text === 'false') ? text === 'true' : text
  }
  const without = Object.keys(types).filter((part) => keys[part] === undefined)
  if (without.length > 0)
    throw new SixfoldError('SX_USAGE', `The key of view '${name}' is not whole: ${without.join(', ')} is missing.`, {
      fix,
    })
  return keys
}

export const trainingSet = defineCommand<TrainingSetResult & { readonly out: string }>({
  name: 'training-set',
  summary: 'Label rows with features as of their own instants, as a Parquet file.',
  arguments: [{ name: '[model]', description: 'add the vector of this model' }],
  options: [
    {
      flags: '--labels <file>',
      description: 'Parquet with the keys, the instants, and the request fields',
      required: true,
    },
    { flags: '--at <column>', description: 'the column with the instant of each row', required: true },
    { flags: '--out <file>', description: 'the Parquet file to write', required: true },
    { flags: '--view <view>', description: 'add all features of this view; may be repeated', repeated: true },
    { flags: '--zone <zone>', description: "what instants without a zone are in: 'UTC' or an offset" },
    { flags: '--from <instant>', description: 'only rows from this instant on' },
    { flags: '--until <instant>', description: 'only rows before this instant' },
  ],
  examples: [
    'sixfold training-set late --labels data/flights.parquet --at scheduled_departure --zone UTC --out train.parquet',
  ],
  run: async ({ tools, project, progress }, [model], options) => {
    const views = options['view'] as readonly string[]
    if (model === undefined && views.length === 0)
      throw new SixfoldError('SX_USAGE', 'Neither a model nor a view is named.', {
        fix: 'Name a model, or views with --view.',
      })
    const out = String(options['out'])
    if (!out.startsWith('s3://') && !existsSync(dirname(out)))
      throw new SixfoldError('SX_USAGE', `There is no folder '${dirname(out)}' to write '${out}' in.`, {
        fix: 'Make the folder, or name another with --out.',
      })
    const workbench = await tools.open(project)
    const bar = progress('Joining')
    try {
      const result = await workbench.trainingSet(
        {
          labels: String(options['labels']),
          at: String(options['at']),
          out,
          model: model ?? null,
          views,
          zone: options['zone'] === undefined ? null : String(options['zone']),
          period: {
            from: instantOption(options['from'], '--from'),
            until: instantOption(options['until'], '--until'),
          },
        },
        (done) => bar.set(done),
      )
      return { ...result, out }
    } finally {
      bar.end()
      await workbench.close()
    }
  },
  render: ({ rows, columns, bytes: size, milliseconds, out }) =>
    `${out}: ${count(rows, 'row')}, ${count(columns.length, 'column')}, ${formatBytes(size)}, in ${seconds(milliseconds)}`,
})
