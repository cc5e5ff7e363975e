/** train and reproduce: a model made as its definition says, and a version made again. */
import { once } from 'node:events'
import type { Reproduction, Stage, Trained, Watching } from '../../api/index.ts'
import { stages } from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { suggestion } from '../../kernel/suggest.ts'
import { askerOf } from '../asker.ts'
import type { Context, Progress } from '../command.ts'
import { defineCommand } from '../command.ts'
import { count, instant, seconds, table, value } from '../text.ts'

const urlOption = {
  flags: '--url <url>',
  description: 'the server to log to; by default one of this project that runs here, or one for this training alone',
}

/** What is going on, on standard error; ends with the signal that asks the process to end. */
async function watched<T>(context: Context, work: (watching: Watching) => Promise<T>): Promise<T> {
  const { ended, note, json, progress } = context
  const ending = new AbortController()
  void ended.then((signal) => {
    note(`${signal}: the command is told to end …`)
    ending.abort()
  })
  let label = ''
  let bar: Progress | null = null
  const endBar = (): void => {
    bar?.end()
    bar = null
  }
  try {
    return await work({
      signal: ending.signal,
      step: (what) => {
        endBar()
        label = what
        note(`— ${what}`)
      },
      progress: (done) => {
        bar ??= progress(label)
        bar.set(done)
      },
      // Whoever reads slowly slows the command down, as if it wrote there itself.
      output: async (chunk) => {
        endBar()
        if (!json && !process.stderr.write(chunk)) await once(process.stderr, 'drain')
      },
    })
  } finally {
    endBar()
  }
}

export const train = defineCommand<Trained>({
  name: 'train',
  summary: 'Train a model as its definition says: build its data, run its command, and register what comes of it.',
  arguments: [{ name: '<model>', description: 'the model, as defined' }],
  options: [
    {
      flags: '--until <stage>',
      description: `how far a version goes where each gate lets it: ${stages.slice(0, -1).join(', ')}; by default registered`,
    },
    urlOption,
  ],
  examples: ['sixfold train late', 'sixfold train late --until validated'],
  run: async (context, [model], options) => {
    const until = stageFrom(options['until'])
    const workbench = await context.tools.open(context.project)
    try {
      return await watched(context, (watching) =>
        workbench.train(
          model!,
          { until, url: options['url'] === undefined ? null : String(options['url']), actor: askerOf({}).actor },
          watching,
        ),
      )
    } finally {
      await workbench.close()
    }
  },
  render: ({ model, run, experiment, commit, dirty, sets, parameters, metrics, versions, milliseconds }) =>
    [
      ...versions.map(
        ({ model: name, version, stage, byCommand, stopped }) =>
          `${name} version ${version}: ${stage}${byCommand ? ', registered by the command' : ''}${stopped === null ? '' : `. It went no further: ${stopped}`}`,
      ),
      `  trained on ${count(sets.data.rows, 'row')}, ${instant(sets.data.from)} to ${instant(sets.data.to)}; sha256 of the rows ${sets.data.hash.slice(0, 12)}`,
      `  held out   ${count(sets.heldout.rows, 'row')}, ${instant(sets.heldout.from)} to ${instant(sets.heldout.to)}`,
      `  code       ${commit === null ? 'in no git repository: nobody can say later what it was' : `commit ${commit.slice(0, 12)}${dirty === true ? ', with changes that are in no commit' : ''}`}`,
      `  logged     ${count(parameters, 'parameter')}${metrics.length === 0 ? ', no metric' : `, ${metrics.map(({ key, value: v }) => `${key} ${value(v)}`).join(', ')}`}`,
      `  run ${run} of experiment '${experiment.name}', in ${seconds(milliseconds)}`,
      ...(versions.some(({ stage }) => stage === 'registered')
        ? [`Next: sixfold model validate ${model} ${versions.at(-1)!.version}`]
        : []),
    ].join('\n'),
})

function stageFrom(given: unknown): Stage {
  const known = stages.filter((stage) => stage !== 'archived')
  const text = given === undefined ? 'registered' : String(given)
  const found = known.find((stage) => stage === text)
  if (found !== undefined) return found
  throw new SixfoldError('SX_USAGE', `--until '${text}' is no stage to go to. ${suggestion(text, known)}`)
}

export const reproduce = defineCommand<Reproduction>({
  name: 'reproduce',
  summary:
    'Say whether all that a version was made of is at hand; then make it again, and say whether the same comes of it.',
  arguments: [
    { name: '<model>', description: 'the model, or MODEL@VERSION' },
    { name: '[version]', description: "its number, an alias, a stage, or 'latest'" },
  ],
  options: [{ flags: '--check', description: 'only say whether it can be done' }, urlOption],
  examples: ['sixfold reproduce late 3 --check', 'sixfold reproduce late@champion'],
  run: async (context, [first, second], options) => {
    const [model, version] = versionFrom(first!, second)
    const workbench = await context.tools.open(context.project)
    const check = options['check'] === true
    try {
      return await watched(context, (watching) =>
        workbench.reproduce(
          model,
          version,
          { check, url: options['url'] === undefined ? null : String(options['url']), actor: askerOf({}).actor },
          watching,
        ),
      )
    } finally {
      await workbench.close()
    }
  },
  render: ({ model, version, ingredients, result, ok }) =>
    [
      table(
        ['', '', ''],
        ingredients.map(({ name, state, words }) => [name, state, words]),
      )
        .split('\n')
        .slice(2)
        .join('\n'),
      '',
      result === null
        ? ok
          ? `${model} ${version} can be trained again: sixfold reproduce ${model} ${version}`
          : `${model} ${version} cannot be trained again.`
        : `${model} ${version}: ${result.outcome}. ${result.words}`,
      ...(result === null
        ? []
        : [
            `  run ${result.run}, in ${seconds(result.milliseconds)}`,
            ...result.registered.map((made) => `  the command registered ${made.model} ${made.version} again`),
          ]),
    ].join('\n'),
})

function versionFrom(first: string, second: string | undefined): readonly [model: string, version: string] {
  if (second !== undefined) return [first, second]
  const at = first.lastIndexOf('@')
  if (at > 0 && at < first.length - 1) return [first.slice(0, at), first.slice(at + 1)]
  throw new SixfoldError('SX_USAGE', `Which version of '${first}' is not said.`, {
    fix: `Name it: sixfold reproduce ${first} latest`,
  })
}
