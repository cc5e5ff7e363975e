/** What the types of a batch cannot hold: a part of `validate`. */
import type { Node } from '../expression/node.ts'
import { typeOf, walk } from '../expression/node.ts'
import { durationMs } from '../kernel/duration.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import { offsetMinutes } from '../kernel/instant.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { Batch, Distances, RealisedBounds, ServingTable } from './batch.ts'
import { rowKeysOf } from './batch.ts'
import type { Report } from './check-tree.ts'
import { checkTree } from './check-tree.ts'
import { cronProblem, isZone } from './cron.ts'
import { shapesOf } from './field.ts'
import { requestOf, viewsOf } from './model.ts'

export function checkBatch(batch: Batch, report: Report): void {
  checkKey(batch, report)
  checkRows(batch, report)
  checkInstants(batch, report)
  checkExpressions(batch, report)
  checkGate(batch, report)
  checkOutcomes(batch, report)
  checkPublication(batch, report)
  checkUnknown(batch, report)
  if (!isCount(batch.partitionRows, 1_000))
    report('partitionRows', `${batch.partitionRows} is no number of rows`, 'Give a whole number from 1000.')
}

const isCount = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least
const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1

function checkKey({ key, model }: Batch, report: Report): void {
  if (Object.keys(key).length === 0)
    report('key', 'nothing names a row: the model has no keys', "Name a column: key: { id: 'string' }.")
  for (const [part, type] of Object.entries(key)) {
    if (!/^[a-zA-Z][a-zA-Z0-9_]{0,62}$/.test(part))
      report(
        `key '${part}'`,
        'this name cannot be used',
        'Use a letter, then letters, digits and _, at most 63 in all.',
      )
    if (!['string', 'int64', 'boolean', 'timestamp'].includes(type))
      report(`key '${part}'`, `'${type}' cannot be a key`, "Use 'string', 'int64', 'boolean' or 'timestamp'.")
    if (Object.hasOwn(model.output, part))
      report(`key '${part}'`, 'an output of the model has that name', 'Rename the column.')
    if (Object.hasOwn(model.key, part) && model.key[part] !== type)
      report(
        `key '${part}'`,
        `it is a ${model.key[part]} of the model's`,
        'Leave it out: the keys of the model are there.',
      )
  }
}

function checkRows({ rows, model, key }: Batch, report: Report): void {
  if (rows?.kind === 'entities') {
    const has = Object.keys(rows.view?.key ?? {})
    const lacks = Object.keys(rowKeysOf({ key, model } as Batch)).filter((part) => !has.includes(part))
    if (lacks.length > 0)
      report(
        'rows',
        `the view '${rows.view?.name}' has no key ${lacks.map((part) => `'${part}'`).join(', ')}, which name a row`,
        'Name a view with all keys of the model, or give the rows by parquet(…) or query(…).',
      )
    const asked = Object.keys(requestOf(model.inputs))
    if (asked.length > 0)
      report(
        'rows',
        `a view has no request fields, and the model is asked with ${asked.join(', ')}`,
        'Give the rows by parquet(…) or query(…), with a column of each.',
      )
    return
  }
  if (rows?.kind === 'parquet') {
    if (typeof rows.path !== 'string' || rows.path === '')
      report('rows', 'they name no file', "Write parquet('rows.parquet').")
    return
  }
  if (rows?.kind !== 'query') {
    report('rows', 'this says nothing of the rows', 'Write parquet(…), query(…) or everyEntity(view).')
    return
  }
  if (typeof rows.sql !== 'string' || !/^\s*(select|with|from)\b/i.test(rows.sql))
    report('rows', 'the query is no SELECT', "Write query('SELECT … FROM …', { … }).")
  for (const [table, storage] of Object.entries(rows.reads))
    if (!/^[a-zA-Z][a-zA-Z0-9_]{0,62}$/.test(table) || typeof storage?.path !== 'string')
      report('rows', `'${table}' is no table of a query`, "Name the files: { flights: parquet('flights.parquet') }.")
}

function checkInstants({ at, rows, schedule }: Batch, report: Report): void {
  if (typeof at === 'object' && 'before' in at) checkDuration(at.before, 'at', report)
  else if (typeof at === 'object') {
    if (typeof at.column !== 'string' || at.column === '') report('at', 'it names no column', 'Name one.')
    if (at.zone !== null && offsetMinutes(at.zone) === null)
      report('at', `'${at.zone}' is no zone known here`, "Write 'UTC' or an offset such as '+05:30'.")
    if (rows?.kind === 'entities') report('at', 'entities have no column', "Write 'run', or { before }.")
  } else if (at !== 'run') report('at', 'this says no instant', "Write 'run', { before } or { column }.")
  if (schedule === null) return
  const problem = cronProblem(schedule.cron)
  if (problem !== null) report('schedule', problem, "Write five fields: cron('0 2 * * *').")
  if (!isZone(schedule.zone))
    report('schedule', `'${schedule.zone}' is no zone known here`, "Write one as 'Europe/Berlin', or 'UTC'.")
  if (!['none', 'latest', 'all'].includes(schedule.catchUp))
    report('schedule', `'${schedule.catchUp}' says nothing of missed runs`, "Write 'none', 'latest' or 'all'.")
}

function checkDuration(duration: string, where: string, report: Report): void {
  try {
    durationMs(duration)
  } catch (error) {
    if (!isSixfoldError(error)) throw error
    report(where, `'${duration}' is not a length of time`, error.fix)
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'kind' in value

function checkExpressions({ decision, segments, unknown, key }: Batch, report: Report): void {
  const checked: (readonly [where: string, node: Node | null])[] = [
    ['decision', decision],
    ['unknown.segment', unknown.segment],
    ...Object.entries(segments).map(([name, node]) => [`segment '${name}'`, node] as const),
  ]
  for (const [where, node] of checked) {
    if (node === null) continue
    if (!isNode(node) || !['string', 'boolean'].includes(typeOf(node)))
      report(where, 'this is no text and no condition', 'Return one: keys.carrier, or output.late.gt(0.5).')
    else checkTree(node, 'moment', null, where, report)
  }
  if (
    isNode(unknown.segment) &&
    [...walk(unknown.segment)].some(
      (leaf) => leaf.kind === 'input' && !(leaf.group === 'keys' && Object.hasOwn(key, leaf.name)),
    )
  )
    report('unknown.segment', 'of a key that the batch does not have the keys alone are known', 'Read keys alone.')
}

function checkGate({ gate, model, publish, decision }: Batch, report: Report): void {
  for (const share of ['coverage', 'keys', 'missing', 'lacking', 'flips'] as const)
    if (gate[share] !== null && !isShare(gate[share]))
      report(`gate.${share}`, `${gate[share]} is no share`, 'Give a number from 0 to 1.')
  if (gate.rows !== null && !(gate.rows > 0)) report('gate.rows', `${gate.rows} is no share`, 'Give one such as 0.3.')
  if (!(gate.alpha > 0 && gate.alpha < 0.5))
    report('gate.alpha', `${gate.alpha} is no chance of an error`, 'Give a number such as 0.01.')
  if (!isCount(gate.segmentRows, 20))
    report('gate.segmentRows', `${gate.segmentRows} rows are too few to judge by`, 'Give a whole number from 20.')
  const outputs = Object.keys(model.output)
  const named = (where: string, name: string, all: readonly string[]): void => {
    if (!all.includes(name))
      report(where, `there is no '${name}'. ${suggestion(name, all)}`, `Name one of ${all.join(', ')}.`)
  }
  for (const [output, [low, high]] of Object.entries(gate.range)) {
    named('gate.range', output, outputs)
    if (!(low < high)) report('gate.range', `the range of '${output}' is empty`, 'Give two numbers, the lower first.')
  }
  const sources = viewsOf(model.inputs).map(([, view]) => view.basis.source.name)
  for (const [source, age] of Object.entries(gate.freshness)) {
    named('gate.freshness', source, sources)
    checkDuration(age, 'gate.freshness', report)
  }
  const distances: (readonly [string, Partial<Distances>])[] = [
    ['gate.distances.outputs', gate.distances.outputs],
    ['gate.distances.entries', gate.distances.entries],
    ...Object.entries(gate.of).map(([name, of]) => [`gate.of.${name}`, of] as const),
  ]
  for (const [where, of] of distances)
    for (const [distance, most] of Object.entries(of))
      if (most !== null && !(typeof most === 'number' && most > 0))
        report(where, `${String(most)} is no distance`, `Give a positive number, or null to not ask for ${distance}.`)
  for (const name of Object.keys(gate.of)) named('gate.of', name, [...outputs, ...Object.keys(model.vector)])
  if (gate.reference !== null && !isCount(gate.reference, 1))
    report('gate.reference', `${gate.reference} is no version`, 'Give the number of one.')
  if (gate.flips !== null && decision === null)
    report('gate.flips', 'nothing is decided', 'Give decision: ({ output }) => output.score.gt(0.5).')
  if (gate.top !== null) {
    named('gate.top', gate.top.output, outputs)
    if (!isCount(gate.top.k, 1) || !isShare(gate.top.overlap))
      report('gate.top', 'it needs a whole number k and a share overlap', 'Write { output, k: 100, overlap: 0.5 }.')
  }
  if (publish.keep < 2 && gate.reference !== null)
    report('publish.keep', 'the reference would not be kept', 'Keep at least 2.')
}

/** What each kind of output can be measured by. */
const measuresOf: { readonly [kind: string]: readonly (keyof RealisedBounds)[] } = {
  probability: ['logLoss', 'brier', 'calibration'],
  number: ['meanAbsoluteError'],
  label: ['wrong'],
}

function checkOutcomes({ gate, model, publish, schedule }: Batch, report: Report): void {
  const { outcomes } = gate
  if (outcomes === null) return
  const { data, at, zone, labels, delay, least, worst } = outcomes
  const where = 'gate.outcomes'
  if (typeof data?.path !== 'string' || data.path === '')
    report(where, 'they name no file', "Write data: parquet('outcomes.parquet').")
  if (typeof at !== 'string' || at === '') report(where, 'no column has their instants', "Name it: at: 'at'.")
  if (zone !== null && offsetMinutes(zone) === null)
    report(where, `'${zone}' is no zone known here`, "Write 'UTC' or an offset such as '+05:30'.")
  checkDuration(delay, `${where}.delay`, report)
  if (!isCount(least, 20)) report(`${where}.least`, `${least} are too few to judge by`, 'Give a whole number from 20.')
  if (Object.keys(labels ?? {}).length === 0)
    report(where, 'no output has a column of outcomes', "Name one: labels: { risk: 'was_late' }.")
  const outputs = Object.keys(model.output)
  for (const [output, column] of Object.entries(labels ?? {})) {
    const kind = model.output[output]
    if (kind === undefined)
      report(
        `${where}.labels`,
        `there is no '${output}'. ${suggestion(output, outputs)}`,
        `Name one of ${outputs.join(', ')}.`,
      )
    else if (typeof kind === 'object' && 'vector' in kind)
      report(`${where}.labels`, `'${output}' is a vector: nothing measures it`, 'Leave it out.')
    if (typeof column !== 'string' || column === '')
      report(`${where}.labels`, `'${output}' has no column`, 'Name the column with what came.')
  }
  for (const [output, bounds] of Object.entries(worst)) {
    const kind = model.output[output]
    const can = kind === undefined ? [] : (measuresOf[typeof kind === 'string' ? kind : 'label'] ?? [])
    if (!Object.hasOwn(labels ?? {}, output))
      report(`${where}.worst`, `'${output}' has no outcomes`, 'Name its column in labels, or leave it out.')
    for (const [measure, most] of Object.entries(bounds))
      if (!can.includes(measure as keyof RealisedBounds))
        report(
          `${where}.worst.${output}`,
          `'${measure}' does not measure it`,
          can.length === 0 ? 'Leave it out.' : `It is measured by ${can.join(', ')}.`,
        )
      else if (most !== null && !(typeof most === 'number' && most > 0))
        report(`${where}.worst.${output}`, `${String(most)} is no bound`, 'Give a positive number, or null.')
  }
  if (publish.keep < 2)
    report(
      `${where}`,
      'the versions that they are of would not be kept',
      `publish: { keep: … }: as many as there are within '${delay}'${schedule === null ? '' : ` by '${schedule.cron}'`}, and one more.`,
    )
}

function checkPublication({ publish, model, key }: Batch, report: Report): void {
  if (!isCount(publish.keep, 1)) report('publish.keep', `${publish.keep} is no number of versions`, 'Give 1 or more.')
  if (publish.promise !== null) checkDuration(publish.promise, 'publish.promise', report)
  if (publish.ttl !== null) checkDuration(publish.ttl, 'publish.ttl', report)
  if (publish.table !== null) checkTable(publish.table, report)
  const asked = new Map<string, string>([
    ...shapesOf(requestOf(model.inputs)).map(({ name, type }) => [name, type] as const),
    ...Object.entries(model.key),
  ])
  for (const [part, type] of publish.standIn ? Object.entries(key) : [])
    if (asked.get(part) !== type)
      report(
        'publish.standIn',
        `a question to the model has no ${part} of type ${type}, by which the batch is asked`,
        'Leave it out, or make the key of what the model is asked with.',
      )
}

/** Which of two would answer in the place of a model nobody could say. */
export function standInOfAnother({ model, publish, name }: Batch, all: readonly Batch[], report: Report): void {
  if (!publish.standIn) return
  const other = all.find((one) => one.name !== name && one.publish.standIn && one.model === model)
  if (other !== undefined)
    report(
      'publish.standIn',
      `'${other.name}' stands in for the model '${model.name}' as well`,
      'Leave it to one of the two.',
    )
}

/** Two batches cannot be one table. */
export function tableOfAnother({ publish, name }: Batch, all: readonly Batch[], report: Report): void {
  const { table } = publish
  if (table === null) return
  const before = all.slice(
    0,
    all.findIndex((one) => one.name === name),
  )
  const other = before.find(
    (one) => one.publish.table?.schema === table.schema && one.publish.table.name === table.name,
  )
  if (other !== undefined)
    report(
      'publish.table',
      `the batch '${other.name}' is the table ${table.schema}.${table.name} already`,
      'Name another.',
    )
}

const nameBytes = 63

/** Any name that PostgreSQL takes, as it would take it. */
function checkTable(table: ServingTable, report: Report): void {
  for (const part of ['schema', 'name'] as const) {
    const text: unknown = table[part]
    if (typeof text !== 'string' || text === '')
      report('publish.table', `it has no ${part}`, "Write table: 'tonight', 'risk.tonight', or { schema, name }.")
    else if (Buffer.byteLength(text) > nameBytes)
      report(
        'publish.table',
        `its ${part} has more than ${nameBytes} bytes`,
        'Shorten it: PostgreSQL would cut it off.',
      )
    else if (text.includes('\0') || /\p{Surrogate}/u.test(text))
      report('publish.table', `its ${part} has characters that no name has`, 'Leave them out.')
    else if (part === 'schema' && /^pg_|^information_schema$/.test(text))
      report('publish.table', `'${text}' is a schema of PostgreSQL's own`, 'Name one of yours.')
  }
}

function checkUnknown({ unknown, model, key }: Batch, report: Report): void {
  const lacks = Object.keys(model.key).filter((part) => !Object.hasOwn(key, part))
  if (unknown.model && lacks.length > 0)
    report(
      'unknown.model',
      `a key that is looked up has no ${lacks.join(', ')}, which the model is asked with`,
      'Leave it out: another rung answers.',
    )
  if (unknown.model && Object.keys(model.key).length === 0)
    report('unknown.model', 'the model has no keys to be asked with', 'Leave it out: another rung answers.')
  if (unknown.model && Object.keys(requestOf(model.inputs)).length > 0)
    report(
      'unknown.model',
      'the model is asked with request fields, which a key alone does not have',
      'Leave it out: another rung answers.',
    )
  if (unknown.otherwise === null) return
  for (const [output, kind] of Object.entries(model.output)) {
    const value = unknown.otherwise[output]
    const fits =
      typeof kind !== 'object'
        ? Number.isFinite(value)
        : 'label' in kind
          ? kind.label.includes(value as string)
          : Array.isArray(value) && value.length === kind.vector && value.every(Number.isFinite)
    if (!fits) report(`unknown.otherwise.${output}`, 'this is no such output', 'Give a value of its kind.')
  }
}
