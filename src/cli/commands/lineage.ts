/** lineage: from an answer to all that it was made of, and from a column to all that is made of it. */
import type { Lineage, LineageQuestion } from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { Command, Context } from '../command.ts'
import { defineCommand } from '../command.ts'

interface Answer extends Lineage {
  /** The id of the node that was asked about. */
  readonly of: string
}

async function ask({ tools, project }: Context, question: LineageQuestion, of: string): Promise<Answer> {
  const workbench = await tools.open(project)
  try {
    return { of, ...(await workbench.registry.lineage(question)) }
  } finally {
    await workbench.close()
  }
}

const lineagePrediction = defineCommand<Answer>({
  name: 'lineage prediction',
  summary: 'What a prediction was made of: version, run, data, features, columns and sources.',
  arguments: [{ name: '<id>', description: 'the id that predict answered' }],
  run: (context, [id]) => ask(context, { of: 'prediction', id: id! }, `prediction:${id}`),
  render: (answer) => render(answer, 'back'),
})

const lineageVersion = defineCommand<Answer>({
  name: 'lineage version',
  summary: 'What a version was made of.',
  arguments: [
    { name: '<model>', description: 'the name of the model' },
    { name: '<version>', description: 'its number' },
  ],
  run: (context, [model, text]) => {
    const version = Number(text)
    if (!Number.isSafeInteger(version) || version < 1)
      throw new SixfoldError('SX_USAGE', `'${text}' is no number of a version.`, {
        fix: `See them with: sixfold model list ${model}`,
      })
    return ask(context, { of: 'version', model: model!, version }, `version:${model}/${version}`)
  },
  render: (answer) => render(answer, 'back'),
})

const lineageRun = defineCommand<Answer>({
  name: 'lineage run',
  summary: 'What a run read, and which versions came of it.',
  arguments: [{ name: '<run>', description: 'its id' }],
  run: (context, [run]) => ask(context, { of: 'run', run: run! }, `run:${run}`),
  render: (answer) => render(answer, 'both'),
})

const lineageColumn = defineCommand<Answer>({
  name: 'lineage column',
  summary: 'What reads a column, and so breaks if it goes; the worst first.',
  arguments: [{ name: '<column>', description: 'SOURCE.COLUMN' }],
  examples: ['sixfold lineage column landings.arr_delay'],
  run: (context, [name]) => {
    const [source, column] = parts(name!, 'SOURCE.COLUMN')
    return ask(context, { of: 'column', source, column }, `column:${name}`)
  },
  render: (answer) => render(answer, 'on'),
})

const lineageFeature = defineCommand<Answer>({
  name: 'lineage feature',
  summary: 'What reads a feature, and so breaks if it goes; the worst first.',
  arguments: [{ name: '<feature>', description: 'VIEW.FEATURE' }],
  examples: ['sixfold lineage feature airline_punctuality.late_rate_1d'],
  run: (context, [name]) => {
    const [view, feature] = parts(name!, 'VIEW.FEATURE')
    return ask(context, { of: 'feature', view, feature }, `feature:${name}`)
  },
  render: (answer) => render(answer, 'on'),
})

export const lineageCommands: readonly Command<unknown>[] = [
  lineagePrediction,
  lineageVersion,
  lineageRun,
  lineageColumn,
  lineageFeature,
]

function parts(name: string, form: string): readonly [before: string, after: string] {
  const dot = name.indexOf('.')
  if (dot > 0 && dot < name.length - 1) return [name.slice(0, dot), name.slice(dot + 1)]
  throw new SixfoldError('SX_USAGE', `'${name}' is not of the form ${form}.`)
}

// --- as a tree

function render(answer: Answer, way: 'back' | 'on' | 'both'): string {
  const trees = [...(way === 'on' ? [] : [tree(answer, 'back')]), ...(way === 'back' ? [] : [tree(answer, 'on')])]
  return [...answer.says, '', ...trees].join('\n')
}

/** What flows into the node, or out of it; what stands there already is not written out again. */
function tree({ of, nodes, edges }: Answer, way: 'back' | 'on'): string {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const lines: string[] = []
  const written = new Set<string>()
  const add = (id: string, prefix: string, label: string | null): void => {
    const node = byId.get(id)
    if (node === undefined) return
    const again = written.has(id)
    const next = edges.filter(({ from, to }) => (way === 'back' ? to : from) === id)
    lines.push(
      `${prefix}${node.kind} ${node.name}${label === null ? '' : ` (${label})`}${again && next.length > 0 ? ' …' : ''}`,
    )
    if (again) return
    written.add(id)
    const inner = prefix.replace('├─ ', '│  ').replace('└─ ', '   ')
    for (const [i, edge] of next.entries())
      add(way === 'back' ? edge.from : edge.to, `${inner}${i === next.length - 1 ? '└─ ' : '├─ '}`, edge.label)
  }
  add(of, '', null)
  return lines.join('\n')
}
