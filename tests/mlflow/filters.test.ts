/**
 * Filters of every kind of thing, made at random, as MLflow's own parsers read them and as ours does: accepted and refused alike, and the
 * same conditions. Left out is what MLflow accepts and cannot answer: a list that is compared with another word than IN, an empty list.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mlflowPython } from '../../scripts/installed.mjs'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import type { SearchKind } from '../../src/ports/search.ts'
import { parseFilter } from '../../src/tracking/filter/index.ts'
import { describeWith } from '../services/index.ts'

const names: { readonly [kind in SearchKind]: readonly string[] } = {
  run: [
    ...[
      'metrics.a',
      'metric.`b c`',
      '`metrics`.x',
      'params."d"',
      'param.e',
      'parameters.f',
      'tags.mlflow.x',
      'tag.`y`',
    ],
    ...[
      'attributes.status',
      'start_time',
      'run_id',
      'run_name',
      '`Run name`',
      'end_time',
      'user_id',
      'attr.artifact_uri',
    ],
    ...['created', 'dataset.name', 'datasets.context', 'dataset.profile', 'x', 'foo.a', 'metrics.order', 'tags.key'],
  ],
  experiment: [
    ...['name', 'tags.a', 'tag.`b`', 'attribute.name', 'experiment_id', 'creation_time', 'last_update_time'],
    ...['attr.name', 'metrics.a'],
  ],
  'logged model': [
    ...['name', 'metrics.a', 'metrics.`a b`', 'params.`b`', 'tags.c', 'attributes.name', 'last_updated_timestamp'],
    ...['attributes.source_run_id', 'model_id', 'metric.a'],
  ],
  'registered model': ['name', 'tags.a', 'tag.`b c`', 'attribute.name', 'description', 'metrics.a'],
  'model version': [
    'name',
    'tags.a',
    'run_id',
    'source_path',
    'version_number',
    'attribute.name',
    'creation_timestamp',
  ],
}
const values = ["'x'", '"y"', '1', '-1.5', '1e3', "'5'", "''", "'a%_'"]
const condition = (kind: SearchKind) =>
  fc
    .tuple(
      fc.constantFrom(...names[kind]),
      fc.oneof(
        fc.tuple(fc.constantFrom('=', '!=', '>', '>=', '<', '<=', 'LIKE', 'ILIKE', '=='), fc.constantFrom(...values)),
        fc.tuple(fc.constantFrom('IN', 'NOT IN'), fc.constantFrom("('a')", "('a', 'b')", '("1",)', "('1','2')")),
        fc.tuple(fc.constantFrom('IS NULL', 'IS NOT NULL'), fc.constant('')),
      ),
    )
    .map(([name, [operator, value]]) => `${name} ${operator} ${value}`)
const filter = fc.constantFrom(...(Object.keys(names) as SearchKind[])).chain((kind) =>
  fc.tuple(
    fc.constant(kind),
    fc.array(condition(kind), { minLength: 1, maxLength: 3 }).map((all) => all.join(' AND ')),
  ),
)

function ours(kind: SearchKind, text: string): unknown {
  try {
    return parseFilter(kind, text)
      .filter(({ key }) => key !== 'mlflow.prompt.is_prompt')
      .map(({ of, key, operator, value }) => [of, key, operator, value])
  } catch (error) {
    if (isSixfoldError(error) && error.code === 'SX_FILTER_INVALID') return null
    throw error
  }
}

describeWith(['mlflow'], "MLflow's parsers of filters", () => {
  test('read what ours reads, and refuse what ours refuses', { timeout: 120_000 }, () => {
    const seed = process.env['SEED'] ? Number(process.env['SEED']) : Date.now()
    const asked = fc.sample(filter, { numRuns: Number(process.env['RUNS'] ?? 5_000), seed })
    const { stdout, stderr, status } = spawnSync(
      mlflowPython,
      ['-W', 'ignore', join(import.meta.dirname, 'filters.py')],
      {
        input: asked.map((one) => JSON.stringify(one)).join('\n'),
        env: { PATH: process.env['PATH'], MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' },
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      },
    )
    expect(status, stderr.slice(-2_000)).toBe(0)
    const theirs = stdout.trim().split('\n')
    expect(theirs).toHaveLength(asked.length)
    let accepted = 0
    const differ: unknown[] = []
    for (const [index, [kind, text]] of asked.entries()) {
      const expected =
        (JSON.parse(theirs[index]!) as unknown[][] | null)?.map(([of, ...rest]) => [
          of === 'param' ? 'parameter' : of,
          ...rest,
        ]) ?? null
      const found = ours(kind, text)
      if (!isDeepStrictEqual(found, expected)) differ.push({ kind, text, ours: found, theirs: expected })
      if (expected) accepted += 1
    }
    expect(differ.slice(0, 5), `${differ.length} differ; seed ${seed}`).toEqual([])
    // Neither accepts everything nor nothing: otherwise the two would agree without saying anything.
    expect(accepted).toBeGreaterThan(asked.length / 20)
    expect(accepted).toBeLessThan(asked.length)
  })
})
