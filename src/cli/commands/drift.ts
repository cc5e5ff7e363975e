/** drift: whether the columns of a file have drifted from those of another. */
import type { DriftFound } from '../../api/index.ts'
import { exitOfRefusal } from '../../batch/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { defineCommand } from '../command.ts'
import { count, table } from '../text.ts'

export const drift = defineCommand<DriftFound>({
  name: 'drift',
  summary:
    'Hold the columns of Parquet files against those of others: what has drifted, how far, and with what evidence.',
  arguments: [
    { name: '<reference>', description: 'Parquet, or a pattern of files: what is usual' },
    { name: '<current>', description: 'Parquet, or a pattern of files: what is looked at' },
  ],
  options: [
    { flags: '--columns <names>', description: 'only these, separated by commas; by default all that both have' },
    { flags: '--method <name>', description: "'standard', or 'evidently' for what Evidently 0.7 would say" },
    { flags: '--alpha <chance>', description: 'the greatest share of false alarms among alarms; by default 0.01' },
  ],
  examples: ['sixfold drift june.parquet july.parquet', 'sixfold drift june.parquet july.parquet --method evidently'],
  // As a batch that is refused ends: nothing failed, and a script is to see it.
  exitOf: (found) => (driftedOf(found) > 0 ? exitOfRefusal : 0),
  run: ({ tools, progress }, [reference, current], { columns, method = 'standard', alpha }) => {
    if (method !== 'standard' && method !== 'evidently')
      throw new SixfoldError('SX_USAGE', `'${method}' is no method.`, { fix: "Use 'standard' or 'evidently'." })
    const chance = alpha === undefined ? undefined : Number(alpha)
    if (chance !== undefined && !(chance > 0 && chance < 1))
      throw new SixfoldError('SX_USAGE', `'${alpha}' is no chance.`, { fix: 'Use a number between 0 and 1.' })
    if (chance !== undefined && method === 'evidently')
      throw new SixfoldError('SX_USAGE', "'--alpha' is not for the method 'evidently', which has its own.", {
        fix: 'Leave it out.',
      })
    const bar = progress('Comparing')
    return tools
      .drift({
        ...{ reference: reference!, current: current!, method },
        columns: columns === undefined ? null : String(columns).split(','),
        thresholds: chance === undefined ? {} : { alpha: chance },
      })
      .finally(() => bar.end())
  },
  render: (found) =>
    [
      tableOf(found),
      ...(found.left.length === 0 ? [] : [`Not compared, for their types: ${found.left.join(', ')}.`]),
      ...(['reference', 'current'] as const)
        .filter((side) => found.lacking[side].length > 0)
        .map((side) => `The ${side} lacks ${found.lacking[side].join(', ')}.`),
      `${count(driftedOf(found), 'column')} of ${found.columns.length} drifted.`,
    ].join('\n\n'),
})

const driftedOf = (found: DriftFound): number =>
  found.method === 'evidently'
    ? found.columns.filter(({ result }) => result?.drifted === true).length
    : found.columns.filter(({ verdict }) => verdict === 'drifted').length

function tableOf(found: DriftFound): string {
  const figure = (value: number | null | undefined): string =>
    value === null || value === undefined || Number.isNaN(value) ? '–' : String(Number(value.toPrecision(3)))
  if (found.method === 'evidently')
    return table(
      ['column', 'method', 'score', 'threshold', ''],
      found.columns.map(({ column, result }) => [
        ...[column, result?.method ?? '–', figure(result?.score), figure(result?.threshold)],
        result === null ? 'no values' : result.drifted ? 'drifted' : '',
      ]),
    )
  return table(
    ['column', 'PSI', 'Wasserstein', 'KS', 'missing', 'p', ''],
    found.columns.map(({ column, difference, p, verdict, because }) => [
      ...[column, figure(difference?.psi), figure(difference?.wasserstein), figure(difference?.ks)],
      ...[figure(difference?.missing), figure(p)],
      verdict === 'drifted' ? `drifted: ${because.join(', ')}` : verdict === 'steady' ? '' : verdict,
    ]),
  )
}
