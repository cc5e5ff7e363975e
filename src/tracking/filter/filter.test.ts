/** Filters and orders as MLflow reads them, of every kind of thing; and what is no filter, refused with its place, and soon. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSixfoldError } from '../../kernel/errors.ts'
import type { Condition, Ordering, SearchKind } from '../../ports/search.ts'
import { parseFilter, parseOrder } from './index.ts'

type Short = readonly [of: Condition['of'], key: string, operator: Condition['operator'], value: Condition['value']]
const short = ({ of, key, operator, value }: Condition): Short => [of, key, operator, value]
const read = (kind: SearchKind, text: string): readonly Short[] => parseFilter(kind, text).map(short)
const ordered = (kind: SearchKind, ...list: Parameters<typeof parseOrder>[1]): readonly (readonly unknown[])[] =>
  parseOrder(kind, list).map(({ of, key, descending }: Ordering) => [of, key, descending ? 'desc' : 'asc'])

function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (isSixfoldError(error) && error.code === 'SX_FILTER_INVALID') return error.message
    throw error
  }
  throw new Error('it was accepted')
}

describe('a filter of runs', () => {
  it.each<[string, readonly Short[]]>([
    ['', []],
    [' \n\t ', []],
    ['metrics.auc > 0.9', [['metric', 'auc', '>', 0.9]]],
    ['metric.auc>=1', [['metric', 'auc', '>=', 1]]],
    ['metrics.auc<-1.5e-3', [['metric', 'auc', '<', -0.0015]]],
    [
      'metrics.auc <= .5 and metrics.auc != 5.',
      [
        ['metric', 'auc', '<=', 0.5],
        ['metric', 'auc', '!=', 5],
      ],
    ],
    [
      'metrics.auc = 1E5 AND metrics.`a b` < 2',
      [
        ['metric', 'auc', '=', 1e5],
        ['metric', 'a b', '<', 2],
      ],
    ],
    ['metrics.1st > 0', [['metric', '1st', '>', 0]]],
    ['metrics."x-y/z" > 0', [['metric', 'x-y/z', '>', 0]]],
    ["metrics.'p.q' > 0", [['metric', 'p.q', '>', 0]]],
    ['metrics.a.b.5 > 0', [['metric', 'a.b.5', '>', 0]]],
    ['`metrics`.a > 0', [['metric', 'a', '>', 0]]],
    [
      'metrics.`a"b` > 0 and metrics."a`b" > 0',
      [
        ['metric', 'a"b', '>', 0],
        ['metric', 'a`b', '>', 0],
      ],
    ],
    [
      'metrics.größe > 0 and params.日本 = "x"',
      [
        ['metric', 'größe', '>', 0],
        ['parameter', '日本', '=', 'x'],
      ],
    ],
    ["params.lr = '0.1'", [['parameter', 'lr', '=', '0.1']]],
    ['param.lr != "0.1"', [['parameter', 'lr', '!=', '0.1']]],
    [
      "parameter.a LIKE 'x%' and parameters.b ilike '%Y_'",
      [
        ['parameter', 'a', 'LIKE', 'x%'],
        ['parameter', 'b', 'ILIKE', '%Y_'],
      ],
    ],
    [
      "params.a='x'AND params.b=''",
      [
        ['parameter', 'a', '=', 'x'],
        ['parameter', 'b', '=', ''],
      ],
    ],
    ['params.a = "it\'s"', [['parameter', 'a', '=', "it's"]]],
    ["params.a = 'it''s'", [['parameter', 'a', '=', "it's"]]],
    ["params.a = 'it\\'s'", [['parameter', 'a', '=', "it's"]]],
    ["params.a = 'C:\\temp'", [['parameter', 'a', '=', 'C:\\temp']]],
    ["params.a = 'x AND y; -- (''z'')'", [['parameter', 'a', '=', "x AND y; -- ('z')"]]],
    [
      'params.a IS NULL and tags.b is not null',
      [
        ['parameter', 'a', 'IS NULL', null],
        ['tag', 'b', 'IS NOT NULL', null],
      ],
    ],
    [
      "tags.mlflow.source.name = 'x' and tag.order = 'y'",
      [
        ['tag', 'mlflow.source.name', '=', 'x'],
        ['tag', 'order', '=', 'y'],
      ],
    ],
    [
      "tags.and = 'and' and tags.is = 'null'",
      [
        ['tag', 'and', '=', 'and'],
        ['tag', 'is', '=', 'null'],
      ],
    ],
    ["attributes.status = 'FINISHED'", [['attribute', 'status', '=', 'FINISHED']]],
    [
      "status != 'FAILED' and attr.user_id LIKE 'a%'",
      [
        ['attribute', 'status', '!=', 'FAILED'],
        ['attribute', 'user_id', 'LIKE', 'a%'],
      ],
    ],
    [
      "run.artifact_uri ILIKE '%X' and run_name = 'y'",
      [
        ['attribute', 'artifact_uri', 'ILIKE', '%X'],
        ['attribute', 'run_name', '=', 'y'],
      ],
    ],
    [
      'start_time > 1.5 and attributes.end_time <= 1700000000000',
      [
        ['attribute', 'start_time', '>', 1.5],
        ['attribute', 'end_time', '<=', 17e11],
      ],
    ],
    [
      'created > 1 and Created < 2',
      [
        ['attribute', 'start_time', '>', 1],
        ['attribute', 'start_time', '<', 2],
      ],
    ],
    [
      "`Run Name` = 'x' and attributes.\"run name\" = 'y'",
      [
        ['attribute', 'run_name', '=', 'x'],
        ['attribute', 'run_name', '=', 'y'],
      ],
    ],
    ["run_id IN ('a')", [['attribute', 'run_id', 'IN', ['a']]]],
    ['attributes.run_id not in (\'a\', "b" ,)', [['attribute', 'run_id', 'NOT IN', ['a', 'b']]]],
    [
      "dataset.name = 'd' and datasets.digest LIKE 'e%'",
      [
        ['dataset', 'name', '=', 'd'],
        ['dataset', 'digest', 'LIKE', 'e%'],
      ],
    ],
    ["datasets.context IN ('train', 'eval')", [['dataset', 'context', 'IN', ['train', 'eval']]]],
  ])('reads %j', (text, expected) => {
    expect(read('run', text)).toEqual(expected)
  })

  it.each<[string, number, RegExp]>([
    ['m.auc > 1', 1, /'m' is none of metric, metrics/],
    ['Metrics.auc > 1', 1, /'Metrics' is none/],
    ['"metrics".auc > 1', 1, /is none of/],
    ['auc > 1', 1, /no attribute 'auc'; there is run_id/],
    ['attributes.lifecycle_stage = "x"', 1, /no attribute 'lifecycle_stage'/],
    ["experiment_id = '1'", 1, /no attribute/],
    ["dataset.profile = 'x'", 1, /of a dataset there is name, digest, context/],
    ["metrics.auc = '1'", 15, /the value of metric 'auc' is a number, not ''1''/],
    ['metrics.auc > inf', 15, /is a number/],
    ['metrics.auc > +1', 15, /./],
    ['metrics.auc > 0x10', 15, /is a number/],
    ['metrics.auc > metrics.loss', 15, /is a number/],
    ['metrics.auc > (1)', 15, /is a number/],
    ['metrics.auc == 1', 13, /is compared with =, !=, <, <=, >, >=, not with '=='/],
    ['metrics.auc <> 1', 13, /not with '<>'/],
    ["metrics.auc LIKE 'x'", 13, /not with 'LIKE'/],
    ['metrics.auc IS NULL', 13, /not with 'IS NULL'/],
    ['metrics.auc >', 14, /is a number\.$/],
    ['metrics.auc', 12, /a comparison must follow/],
    ['metrics', 1, /no attribute 'metrics'/],
    ['metrics. > 1', 9, /a name must stand after the dot/],
    ['metrics . auc > 1', 9, /not part of its language/],
    ['metrics.a-b > 1', 10, /not part of its language/],
    ['metrics.a/b > 1', 10, /not part of its language/],
    ['metrics.a.`b` > 1', 9, /quoted as a whole/],
    ["'metrics'.a > 1", 1, /a name must stand here/],
    ['1 = 1', 1, /a name must stand here, such as metrics\.accuracy/],
    ['1.0 > metrics.auc', 1, /a name must stand here/],
    ['params.lr = 5', 13, /stands in quotes, such as 'a', not '5'/],
    ['params.lr = x', 13, /stands in quotes/],
    ['params.lr = `x`', 13, /stands in quotes/],
    ["params.lr > 'x'", 11, /compared with =, !=, LIKE, ILIKE, IS NULL, IS NOT NULL, not with '>'/],
    ["params.lr IN ('x')", 11, /not with 'IN'/],
    ["params.lr = 'x", 13, /what begins with ' does not end/],
    ['params.lr = "x\'', 13, /does not end/],
    ['`metrics.a > 1', 1, /does not end/],
    ["params.lr = = 'x'", 13, /stands in quotes/],
    ['params.lr x y', 11, /not with 'X'/],
    ["status IN ('x')", 8, /not with 'IN'/],
    ['status = true', 10, /stands in quotes/],
    ["attributes.status IS 'RUNNING'", 19, /not with 'IS'/],
    ['attributes.status IS NULL', 19, /not with 'IS NULL'/],
    ["start_time LIKE '1%'", 12, /not with 'LIKE'/],
    ["start_time > '1'", 14, /is a number/],
    ["run_id IN 'a'", 11, /a list must stand here/],
    ['run_id IN ()', 11, /nothing in it/],
    ['run_id IN (1, 2)', 12, /stands in quotes/],
    ["run_id IN ('a' 'b')", 16, /a comma or \)/],
    ["run_id IN ('a', , 'b')", 17, /stands in quotes/],
    ["run_id IN ('a'", 15, /a comma or \)/],
    ['metrics.a > 1 OR metrics.b > 1', 15, /joined by AND alone, and here stands 'OR'/],
    ['metrics.a > 1 metrics.b > 1', 15, /joined by AND alone/],
    ['metrics.a > 1 AND', 18, /a name must stand here/],
    ['metrics.a > 1 AND (metrics.b > 1)', 19, /a name must stand here/],
    ['AND metrics.a > 1', 1, /no attribute 'AND'/],
    ['metrics.a > 1; metrics.b > 1', 14, /joined by AND alone/],
    ['metrics.a > 1 -- x', 15, /not part of its language/],
    ["params.a = 'x\0'", 14, /NUL/],
  ])('refuses %j at character %i', (text, character, why) => {
    const message = refusal(() => parseFilter('run', text))
    expect(message).toMatch(why)
    expect(message).toContain(`at character ${character}:`)
  })
})

describe('a filter of other things', () => {
  it.each<[SearchKind, string, readonly Short[]]>([
    [
      'experiment',
      "name LIKE 'a%' and tags.x = '1'",
      [
        ['attribute', 'name', 'LIKE', 'a%'],
        ['tag', 'x', '=', '1'],
      ],
    ],
    [
      'experiment',
      "attribute.name ilike 'A%' and creation_time >= 5",
      [
        ['attribute', 'name', 'ILIKE', 'A%'],
        ['attribute', 'creation_time', '>=', 5],
      ],
    ],
    [
      'experiment',
      "experiment_id IN ('0', '12') and last_update_time < 9",
      [
        ['attribute', 'experiment_id', 'IN', [0, 12]],
        ['attribute', 'last_update_time', '<', 9],
      ],
    ],
    [
      'experiment',
      "experiment_id != '3' and tag.a is null",
      [
        ['attribute', 'experiment_id', '!=', 3],
        ['tag', 'a', 'IS NULL', null],
      ],
    ],
    [
      'logged model',
      "name = 'x' and metrics.a >= 1 and params.b != '3'",
      [
        ['attribute', 'name', '=', 'x'],
        ['metric', 'a', '>=', 1],
        ['parameter', 'b', '!=', '3'],
      ],
    ],
    [
      'logged model',
      "tags.`c d` in ('e','f') and attributes.creation_time > 1",
      [
        ['tag', 'c d', 'IN', ['e', 'f']],
        ['attribute', 'creation_timestamp', '>', 1],
      ],
    ],
    [
      'logged model',
      'creation_timestamp_ms > 1 and last_updated_timestamp_ms < 2',
      [
        ['attribute', 'creation_timestamp', '>', 1],
        ['attribute', 'last_updated_timestamp', '<', 2],
      ],
    ],
    [
      'logged model',
      'params.lr = 0.01 and tags.team != a',
      [
        ['parameter', 'lr', '=', '0.01'],
        ['tag', 'team', '!=', 'a'],
      ],
    ],
    [
      'logged model',
      "status = 'READY' and status != 'LOGGED_MODEL_PENDING'",
      [
        ['attribute', 'status', '=', 'READY'],
        ['attribute', 'status', '!=', 'PENDING'],
      ],
    ],
    [
      'logged model',
      "source_run_id NOT IN ('a') and model_id like 'm-%'",
      [
        ['attribute', 'source_run_id', 'NOT IN', ['a']],
        ['attribute', 'model_id', 'LIKE', 'm-%'],
      ],
    ],
  ])('of %s: reads %j', (kind, text, expected) => {
    expect(read(kind, text)).toEqual(expected)
  })

  it.each<[SearchKind, string, RegExp]>([
    ['experiment', "attr.name = 'x'", /'attr' is none of attribute, tag, tags/],
    ['experiment', 'metrics.a > 1', /'metrics' is none/],
    ['experiment', "name IN ('x')", /not with 'IN'/],
    ['experiment', 'experiment_id = 0', /a whole number in quotes/],
    ['experiment', "experiment_id = 'x'", /a whole number in quotes/],
    ['experiment', "experiment_id LIKE '1'", /not with 'LIKE'/],
    ['experiment', 'creation_time > 5.5', /a whole number, not '5.5'/],
    ['experiment', "creation_time > '5'", /a whole number, not ''5''/],
    ['logged model', 'name = `x`', /stands in quotes/],
    ['logged model', 'name IN ()', /nothing in it/],
    ['experiment', 'name IS NULL', /not with 'IS NULL'/],
    ['logged model', 'metric.a > 1', /'metric' is none of attributes, metrics, params, tags/],
    ['logged model', 'params.a IS NULL', /not with 'IS NULL'/],
    ['logged model', "name > 'x'", /not with '>'/],
    ['logged model', "metrics.a LIKE 'x'", /not with 'LIKE'/],
    ['logged model', "lifecycle_stage = 'x'", /no attribute 'lifecycle_stage'/],
    ['registered model', "description = 'x'", /no attribute 'description'; there is name/],
    ['registered model', "name > 'x'", /not with '>'/],
    ['registered model', 'tags.a IS NULL', /not with 'IS NULL'/],
    ['registered model', "tags.a IN ('x')", /not with 'IN'/],
    ['model version', 'version = 1', /no attribute 'version'/],
    ['model version', 'version_number = 3.5', /a whole number/],
    ['model version', "version_number LIKE '3'", /not with 'LIKE'/],
    ['model version', "source_path IN ('a')", /not with 'IN'/],
    ['model version', 'creation_timestamp > 1', /no attribute/],
    ['model version', "params.a = 'x'", /'params' is none/],
  ])('of %s: refuses %j', (kind, text, why) => {
    expect(refusal(() => parseFilter(kind, text))).toMatch(why)
  })

  const noPrompt: Short = ['tag', 'mlflow.prompt.is_prompt', '!=', 'true']
  it.each<[SearchKind, string, readonly Short[]]>([
    ['registered model', '', [noPrompt]],
    ['registered model', "name = 'x'", [['attribute', 'name', '=', 'x'], noPrompt]],
    [
      'registered model',
      "name NOT IN ('x') and tags.a != 'b'",
      [['attribute', 'name', 'NOT IN', ['x']], ['tag', 'a', '!=', 'b'], noPrompt],
    ],
    [
      'registered model',
      "tag.`mlflow.prompt.is_prompt` != 'true' and name ilike 'X%'",
      [['attribute', 'name', 'ILIKE', 'X%'], noPrompt],
    ],
    ['registered model', "tags.`mlflow.prompt.is_prompt` = 'false'", [noPrompt]],
    ['registered model', "tags.`mlflow.prompt.is_prompt` = 'true'", [['tag', 'mlflow.prompt.is_prompt', '=', 'true']]],
    [
      'model version',
      "name='x' and run_id IN ('a') and version_number >= 3",
      [
        ['attribute', 'name', '=', 'x'],
        ['attribute', 'run_id', 'IN', ['a']],
        ['attribute', 'version_number', '>=', 3],
        noPrompt,
      ],
    ],
    [
      'model version',
      "version_number = '3' and source_path LIKE 'b%'",
      [['attribute', 'version_number', '=', 3], ['attribute', 'source_path', 'LIKE', 'b%'], noPrompt],
    ],
  ])('of %s: %j leaves prompts out unless they are asked for', (kind, text, expected) => {
    expect(read(kind, text)).toEqual(expected)
  })

  it('leaves out what has the tag of prompts, and nothing that has no tag', () => {
    expect(parseFilter('registered model', '')).toEqual([
      { of: 'tag', key: 'mlflow.prompt.is_prompt', operator: '!=', value: 'true', orAbsent: true },
    ])
  })

  it('counts metrics of logged models on the datasets given', () => {
    const datasets = [{ name: 'd', digest: null }]
    expect(parseFilter('logged model', "metrics.a > 1 and name = 'x'", datasets)).toEqual([
      { of: 'metric', key: 'a', operator: '>', value: 1, datasets },
      { of: 'attribute', key: 'name', operator: '=', value: 'x' },
    ])
    expect(parseFilter('logged model', '', datasets)).toEqual([
      { of: 'dataset', key: 'name', operator: 'IS NOT NULL', value: null, datasets },
    ])
  })
})

describe('an order', () => {
  it.each<[SearchKind, string, readonly unknown[]]>([
    ['run', 'metrics.auc DESC', ['metric', 'auc', 'desc']],
    ['run', 'metrics.`a b` desc', ['metric', 'a b', 'desc']],
    ['run', 'params."a b"  asc', ['parameter', 'a b', 'asc']],
    ['run', ' tags.a.b ', ['tag', 'a.b', 'asc']],
    ['run', 'attributes.start_time', ['attribute', 'start_time', 'asc']],
    ['run', 'Created DESC', ['attribute', 'start_time', 'desc']],
    ['run', 'run_name', ['attribute', 'run_name', 'asc']],
    ['experiment', 'last_update_time DESC', ['attribute', 'last_update_time', 'desc']],
    ['experiment', 'attribute.name', ['attribute', 'name', 'asc']],
    ['logged model', 'metrics.auc DESC', ['metric', 'auc', 'desc']],
    ['registered model', 'timestamp DESC', ['attribute', 'last_updated_timestamp', 'desc']],
    ['registered model', 'name', ['attribute', 'name', 'asc']],
    ['model version', 'version_number DESC', ['attribute', 'version_number', 'desc']],
    ['model version', 'creation_timestamp', ['attribute', 'creation_timestamp', 'asc']],
  ])('of %s: reads %j', (kind, text, expected) => {
    expect(ordered(kind, text)).toEqual([expected])
  })

  it('reads fields as they are, where a direction is told beside them', () => {
    const datasets = [{ name: 'd', digest: 'e' }]
    expect(
      parseOrder('logged model', [
        { field: 'metrics.a b.c', descending: true, datasets },
        { field: 'creation_time', descending: false },
      ]),
    ).toEqual([
      { of: 'metric', key: 'a b.c', descending: true, datasets },
      { of: 'attribute', key: 'creation_timestamp', descending: false },
    ])
  })

  it.each<[SearchKind, readonly string[], RegExp]>([
    ['run', [''], /at character 1: a name must stand here/],
    ['run', ['auc'], /no attribute 'auc'/],
    ['run', ['m.auc'], /'m' is none of/],
    ['run', ['metrics.auc descending'], /at character 13: ASC or DESC may stand here, not 'descending'/],
    ['run', ['metrics.auc DESC NULLS LAST'], /at character 18: nothing may follow/],
    ['run', ['metrics.a-b'], /not part of its language/],
    ['run', ['dataset.name'], /not by dataset/],
    ['run', ['start_time', 'metrics.a', 'created DESC'], /names 'start_time' twice/],
    ['run', Array.from({ length: 11 }, (_, index) => `metrics.m${index}`), /10 orderings are the most/],
    ['experiment', ['tags.a'], /not by tag/],
    ['logged model', ['params.a'], /not by parameter/],
    ['registered model', ['description'], /no attribute/],
    ['model version', ['run_id'], /no attribute 'run_id'; there is name, version_number/],
  ])('of %s: refuses %j', (kind, list, why) => {
    expect(refusal(() => parseOrder(kind, list))).toMatch(why)
  })
})

describe('whatever it is given', () => {
  const kinds: readonly SearchKind[] = ['run', 'experiment', 'logged model', 'registered model', 'model version']
  const piece = fc.constantFrom(
    ...[
      'metrics.a',
      'params.`b c`',
      'tags."d"',
      'name',
      'run_id',
      'version_number',
      '=',
      '!=',
      '>',
      'LIKE',
      'IN',
      'NOT',
    ],
    ...[
      'IS',
      'NULL',
      'AND',
      "'x'",
      '"y"',
      '1',
      '-2.5e3',
      '(',
      ')',
      ',',
      '.',
      ';',
      '`',
      "'",
      '"',
      '\\',
      ' ',
      '\n',
      '\0',
      '🛫',
    ],
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece).map((pieces) => pieces.join(' ')),
    fc.array(piece).map((pieces) => pieces.join('')),
  )

  it('reads it or refuses it, and fails in no other way', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), text, (kind, given) => {
        for (const call of [
          () => parseFilter(kind, given),
          () => parseOrder(kind, [given]),
          () => parseOrder(kind, [{ field: given, descending: true }]),
        ])
          try {
            call()
          } catch (error) {
            expect(isSixfoldError(error) && error.code).toBe('SX_FILTER_INVALID')
          }
      }),
      {
        numRuns: Number(process.env['RUNS'] ?? 2_000),
        ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}),
      },
    )
  })

  it('reads back every key and value that is quoted as SQL quotes them', () => {
    const nonNul = fc
      .string({ unit: 'binary', maxLength: 40 })
      .filter((one) => !one.includes('\0') && !one.includes('\\'))
    fc.assert(
      fc.property(nonNul, nonNul, (key, value) => {
        const filter = `params.\`${key.replaceAll('`', '``')}\` = '${value.replaceAll("'", "''")}'`
        expect(read('run', filter)).toEqual([['parameter', key, '=', value]])
      }),
    )
  })

  it.each([
    ['a 10,000-key filter', Array.from({ length: 10_000 }, (_, index) => `tags.t${index} = 'x'`).join(' AND ')],
    ['51 conditions', Array.from({ length: 51 }, (_, index) => `tags.t${index} = 'x'`).join(' AND ')],
    ['a megabyte of quotes', "'".repeat(1_000_000)],
    ['a hundred kilobytes of quotes', "'".repeat(100_001)],
    ['a hundred kilobytes of backslashes and quotes', `tags.a = '${"\\'".repeat(50_000)}`],
    ['a hundred kilobytes of dots', `metrics${'.a'.repeat(50_000)}.`],
    ['a hundred kilobytes of spaces', ' '.repeat(100_000).concat('x')],
    ['a hundred kilobytes of digits', `metrics.a > ${'1'.repeat(100_000)}x`],
    ['a hundred kilobytes of brackets', `run_id IN ${'('.repeat(100_000)}`],
  ])('refuses %s within a moment', (_, given) => {
    const begin = performance.now()
    const message = refusal(() => parseFilter('run', given))
    expect(performance.now() - begin).toBeLessThan(500)
    expect(message.length).toBeLessThan(400)
  })
})
