/** check, plan and apply: from definitions that are sound to definitions that are in force. */
import type { Plan } from '../../api/index.ts'
import { sourcesOf } from '../../definition/graph.ts'
import type { Problem } from '../../kernel/errors.ts'
import { isSixfoldError, toProblem } from '../../kernel/errors.ts'
import type { HistorySummary } from '../../ports/offline-store.ts'
import { defineCommand } from '../command.ts'
import { count, instant, table } from '../text.ts'

interface Checked {
  readonly ok: boolean
  readonly file: string
  readonly definitions: { readonly [kind: string]: number }
  /** Those that have a history. */
  readonly sources: readonly (HistorySummary | { readonly source: string; readonly problem: Problem })[]
  /** Those of pushed events alone; empty with --definitions-only, too. */
  readonly withoutHistory: readonly string[]
}

export const check = defineCommand<Checked>({
  name: 'check',
  summary: 'Check the configuration, the definitions, and the history that they name.',
  options: [{ flags: '--definitions-only', description: 'leave the history unread' }],
  run: async ({ tools, project, progress }, _, options) => {
    const { file, definitions } = await tools.load(project)
    const kinds: { [kind: string]: number } = {}
    for (const { kind } of definitions) kinds[kind] = (kinds[kind] ?? 0) + 1
    const sources: Checked['sources'][number][] = []
    const withoutHistory: string[] = []
    if (options['definitionsOnly'] !== true) {
      const workbench = await tools.open(project)
      try {
        for (const { name, history } of sourcesOf(workbench.platform)) {
          if (history === null) {
            withoutHistory.push(name)
            continue
          }
          const bar = progress(`Reading ${name}`)
          try {
            sources.push(await workbench.inspect(name))
          } catch (error) {
            if (!isSixfoldError(error)) throw error
            sources.push({ source: name, problem: toProblem(error) })
          } finally {
            bar.end()
          }
        }
      } finally {
        await workbench.close()
      }
    }
    const ok = sources.every((source) => !('problem' in source))
    return { ok, file, definitions: kinds, sources, withoutHistory }
  },
  render: ({ file, definitions, sources, withoutHistory }) => {
    const lines = [
      `${file}: ${Object.entries(definitions)
        .map(([kind, n]) => count(n, kind, kind === 'entity' ? 'entities' : `${kind}s`))
        .join(', ')}, sound.`,
    ]
    const read = sources.filter((source): source is HistorySummary => !('problem' in source))
    if (read.length > 0)
      lines.push(
        '',
        table(
          ['source', 'rows', 'from', 'to', 'without time', 'without arrival', 'out of domain', 'repeated'],
          read.map((s) => [
            s.source,
            s.rows.toLocaleString('en'),
            instant(s.firstTime),
            instant(s.lastTime),
            ...[s.withoutTime, s.withoutArrival, s.outOfDomain, s.repeated].map((n) => n.toLocaleString('en')),
          ]),
        ),
      )
    if (withoutHistory.length > 0)
      lines.push('', `Without history, of pushed events alone: ${withoutHistory.join(', ')}.`)
    for (const source of sources)
      if ('problem' in source)
        lines.push('', `${source.problem.code}: ${source.problem.detail}`, `  → ${source.problem.fix}`)
    return lines.join('\n')
  },
})

export const plan = defineCommand<Plan>({
  name: 'plan',
  summary: 'Show what would change if the definitions were applied.',
  run: async ({ tools, project }) => {
    const workbench = await tools.open(project)
    try {
      return await workbench.plan()
    } finally {
      await workbench.close()
    }
  },
  render: renderPlan,
})

function renderPlan({ changes, appliedAt }: Plan): string {
  if (changes.length === 0) return `Nothing to change: these definitions were applied ${instant(appliedAt)}.`
  const marks = { added: '+', changed: '~', removed: '-' } as const
  return changes
    .map(
      ({ change, kind, name, entails }) => `${marks[change]} ${kind} ${name}${entails === null ? '' : `: ${entails}`}`,
    )
    .join('\n')
}

const keptNote = (kept: readonly string[]): string =>
  kept.length === 0
    ? ''
    : `\nThe old state of ${kept.join(', ')} is kept until no server runs with the old definitions.`

export const apply = defineCommand<Plan & { readonly dropped: number; readonly kept: readonly string[] }>({
  name: 'apply',
  summary: 'Put the definitions in force.',
  run: async ({ tools, project, progress }) => {
    const workbench = await tools.open(project)
    const bar = progress('Applying')
    try {
      const planned = await workbench.plan()
      if (planned.changes.length === 0) return { ...planned, dropped: 0, kept: [] }
      const { at, dropped, kept } = await workbench.apply()
      return { ...planned, appliedAt: at, dropped, kept }
    } finally {
      bar.end()
      await workbench.close()
    }
  },
  render: (result) =>
    result.changes.length === 0
      ? renderPlan(result)
      : `${renderPlan(result)}\nApplied.${result.dropped > 0 ? ` ${count(result.dropped, 'record')} of old state dropped.` : ''}${keptNote(result.kept)}`,
})
