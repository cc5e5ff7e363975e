/**
 * What the types cannot hold, or cannot hold for callers in plain JavaScript: every rule of the graph, checked together, so that
 * one run names every mistake. Each problem names the definition, the field and the fix.
 */
import { isExpression } from '../expression/builder.ts'
import type { Node } from '../expression/node.ts'
import { typeOf, walk } from '../expression/node.ts'
import { isNullable } from '../expression/nullable.ts'
import { durationMs } from '../kernel/duration.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import { offsetMinutes } from '../kernel/instant.ts'
import { bounds } from '../kernel/limits.ts'
import { suggestion } from '../kernel/suggest.ts'
import { checkBatch, standInOfAnother, tableOfAnother } from './check-batch.ts'
import { checkGate } from './check-gate.ts'
import { checkTraining } from './check-training.ts'
import type { Report } from './check-tree.ts'
import { checkTree, fieldOf } from './check-tree.ts'
import { hashOfDefinition } from './describe.ts'
import type { Entity } from './entity.ts'
import type { Fields } from './field.ts'
import { fieldTypes, shapeOf } from './field.ts'
import type { Definition, Definitions } from './graph.ts'
import type { Model, Output } from './model.ts'
import { fileOutputsOf, isView, viewsOf } from './model.ts'
import type { Source } from './source.ts'
import type { AnyView } from './view.ts'

export interface DefinitionProblem {
  /** The definition and the field: `view 'punctuality', feature 'delay_3h'`. */
  readonly where: string
  readonly problem: string
  readonly fix: string
}

const kinds: readonly Definition['kind'][] = ['entity', 'source', 'view', 'model', 'gate', 'training', 'batch']
const namePattern = /^[a-zA-Z][a-zA-Z0-9_]{0,62}$/
const nameRule = 'Use a letter, then letters, digits and _, at most 63 in all.'
/** Where values are kept by name, a name that every object has would be found without having been given. */
function checkName(name: string, field: string, report: Report): void {
  if (!namePattern.test(name)) report(field, 'this name cannot be used', nameRule)
  else if (name in Object.prototype) report(field, `every object has a member '${name}'`, 'Choose another name.')
}
/** Paths and groups of the client that a model of that name would hide. */
const reservedModels: readonly string[] = [
  'features',
  'events',
  'outcome',
  'outcomes',
  'batches',
  'experiments',
  'then',
]

export function validate(definitions: Definitions): readonly DefinitionProblem[] {
  const problems: DefinitionProblem[] = []
  const reporter =
    (where: string): Report =>
    (field, problem, fix) =>
      problems.push({ where: field === null ? where : `${where}, ${field}`, problem, fix })

  const sound: Definition[] = []
  for (const [member, definition] of Object.entries(definitions)) {
    if (!isDefinition(definition))
      reporter(`platform, '${member}'`)(
        null,
        'this is no definition',
        `Leave it out: a platform takes what ${kinds.join(', ')} return.`,
      )
    else sound.push(definition)
  }
  const cycle = findCycle(sound)
  if (cycle !== null) {
    reporter('platform')(null, `definitions form a cycle: ${cycle.join(' → ')}`, 'Take one of these out of the other.')
    return problems
  }
  checkNames(sound, reporter)
  const batches = sound.filter((definition) => definition.kind === 'batch')
  for (const definition of sound) {
    const report = reporter(`${definition.kind} '${definition.name}'`)
    checkPresent(definition, sound, report)
    if (definition.kind === 'entity') checkEntity(definition, report)
    if (definition.kind === 'source') checkSource(definition, report)
    if (definition.kind === 'view') checkView(definition, report)
    if (definition.kind === 'model') checkModel(definition, report)
    if (definition.kind === 'gate') checkGate(definition, report)
    if (definition.kind === 'training') checkTraining(definition, report)
    if (definition.kind === 'batch') {
      checkBatch(definition, report)
      standInOfAnother(definition, batches, report)
      tableOfAnother(definition, batches, report)
    }
  }
  return problems
}

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' &&
  value !== null &&
  kinds.includes((value as Definition).kind) &&
  typeof (value as Definition).name === 'string'

/** Definitions made with the builders cannot form one; those put together by hand can. */
function findCycle(definitions: readonly Definition[]): readonly string[] | null {
  const done = new Set<Definition>()
  const search = (definition: Definition, path: readonly Definition[]): readonly string[] | null => {
    if (path.includes(definition)) return [...path.slice(path.indexOf(definition)), definition].map(({ name }) => name)
    if (done.has(definition)) return null
    for (const next of referencesOf(definition)) {
      const cycle = search(next, [...path, definition])
      if (cycle !== null) return cycle
    }
    done.add(definition)
    return null
  }
  for (const definition of definitions) {
    const cycle = search(definition, [])
    if (cycle !== null) return cycle
  }
  return null
}

/** Whatever a definition holds that is itself a definition, wherever it stands. */
function referencesOf(definition: Definition): readonly Definition[] {
  const members: readonly unknown[] =
    definition.kind === 'view'
      ? [definition.basis?.entity, definition.basis?.source]
      : definition.kind === 'model'
        ? Object.values(definition.inputs ?? {})
        : definition.kind === 'batch'
          ? [definition.model, (definition.rows as { readonly view?: unknown } | undefined)?.view]
          : Object.values(definition)
  return members.filter(isDefinition)
}

function checkNames(definitions: readonly Definition[], reporter: (where: string) => Report): void {
  const seen = new Set<string>()
  for (const { kind, name } of definitions) {
    const report = reporter(`${kind} '${name}'`)
    if (kind === 'gate' || kind === 'training') {
      if (seen.has(`${kind} ${name}`)) report(null, `the model has two of the kind ${kind}`, 'Make one of them.')
      seen.add(`${kind} ${name}`)
      continue
    }
    checkName(name, 'name', report)
    if (kind === 'model' && reservedModels.includes(name))
      report('name', `a client has a member '${name}' of its own`, 'Choose another name.')
    if (seen.has(`${kind} ${name}`))
      report('name', `two definitions are called ${kind} '${name}'`, 'Rename one of them.')
    seen.add(`${kind} ${name}`)
  }
}

/** What a definition is made of must be part of the platform, and be the definition that the platform means by that name. */
function checkPresent(definition: Definition, all: readonly Definition[], report: Report): void {
  for (const used of referencesOf(definition)) {
    const same = all.find(({ kind, name }) => kind === used.kind && name === used.name)
    if (same === undefined)
      report(
        null,
        `it uses ${used.kind} '${used.name}', which is not in the platform`,
        `Add it: platform({ …, ${used.name} }).`,
      )
    else if (same !== used && hashOfDefinition(same) !== hashOfDefinition(used))
      report(
        null,
        `it uses a ${used.kind} '${used.name}' that differs from the platform's`,
        'Use one definition of that name in both places.',
      )
  }
}

function checkEntity({ key }: Entity, report: Report): void {
  if (Object.keys(key).length === 0) report('key', 'the key has no parts', "Name at least one: key: { id: 'string' }.")
  for (const [part, type] of Object.entries(key)) {
    checkName(part, `key '${part}'`, report)
    if (!['string', 'int64', 'boolean', 'timestamp'].includes(type))
      report(`key '${part}'`, `'${type}' cannot be a key`, "Use 'string', 'int64', 'boolean' or 'timestamp'.")
  }
}

function checkFields(fields: Fields, report: Report, label: string): void {
  for (const [name, field] of Object.entries(fields)) {
    const where = `${label} '${name}'`
    checkName(name, where, report)
    const { type, range, oneOf } = shapeOf(name, field)
    if (!fieldTypes.includes(type)) {
      report(
        where,
        `'${type}' is no type. ${suggestion(type, fieldTypes)}`,
        `Use one of ${fieldTypes.join(', ')}, with ? where it may be missing.`,
      )
      continue
    }
    if (range !== null && !(type === 'float64' || type === 'int64'))
      report(where, 'only numbers have a range', 'Leave the range out.')
    if (range !== null && !(Array.isArray(range) && range.length === 2 && range[0] < range[1]))
      report(where, `the range ${JSON.stringify(range)} is empty`, 'Give two numbers, the lower bound first.')
    if (oneOf !== null && type !== 'string') report(where, 'only strings have a list of values', 'Leave oneOf out.')
    if (oneOf !== null && oneOf.length === 0) report(where, 'oneOf has no values', 'Name the values that can occur.')
  }
}

function checkSource(source: Source, report: Report): void {
  checkFields(source.fields, report, 'field')
  const column = (setting: string, name: string, types: readonly string[], fix: string): void => {
    const field = fieldOf(source.fields, name)
    if (field === undefined)
      report(setting, `there is no field '${name}'. ${suggestion(name, Object.keys(source.fields))}`, fix)
    else if (!types.includes(shapeOf(name, field).type))
      report(setting, `the field '${name}' is of type ${shapeOf(name, field).type}`, fix)
  }
  column('time', source.time, ['timestamp'], 'Name the timestamp field that says when the event happened.')
  if (source.known !== null) {
    const known: { readonly after?: string; readonly at?: string } = source.known
    if (known.after !== undefined && known.at !== undefined)
      report('known', 'both a delay and an arrival column are given', 'Give one: { after } or { at }.')
    if (known.at !== undefined)
      column('known.at', known.at, ['timestamp'], 'Name the timestamp field that says when the event arrived.')
    if (known.after !== undefined) checkDuration(known.after, 'known.after', report)
  }
  if (source.sequence !== null) column('sequence', source.sequence, ['int64'], 'Name an int64 field.')
  if (source.id !== null)
    column('id', source.id, ['string', 'int64'], 'Name a string or int64 field that is different for every event.')
  checkDuration(source.remember, 'remember', report)
  if (!['exclusive', 'inclusive'].includes(source.asOf))
    report('asOf', `'${source.asOf}' is unknown`, "Write 'inclusive', or leave it out.")
  if (source.zone !== null && offsetMinutes(source.zone) === null)
    report('zone', `'${source.zone}' is no zone known here`, "Write 'UTC' or an offset such as '+05:30'.")
}

function checkDuration(duration: string, field: string, report: Report): void {
  try {
    durationMs(duration)
  } catch (error) {
    if (!isSixfoldError(error)) throw error
    report(field, `'${duration}' is not a length of time`, error.fix)
  }
}

function checkView(view: AnyView, report: Report): void {
  const { entity, source, on, ttl, features } = view.basis
  for (const [part, type] of Object.entries(entity.key)) {
    const column = on[part] ?? part
    const field = fieldOf(source.fields, column)
    if (field === undefined)
      report(
        `on '${part}'`,
        `source '${source.name}' has no field '${column}'. ${suggestion(column, Object.keys(source.fields))}`,
        `Say which field holds it: on: { ${part}: '…' }.`,
      )
    else if (shapeOf(column, field).type !== type)
      report(
        `on '${part}'`,
        `the field '${column}' is of type ${shapeOf(column, field).type}, the key is of type ${type}`,
        'Name a field of the type of the key.',
      )
  }
  const names = Object.keys(features)
  if (names.length === 0) report('features', 'there is none', 'Return at least one feature.')
  if (names.length > bounds.featuresPerView)
    report('features', `${names.length} are more than ${bounds.featuresPerView}`, 'Split the view.')
  for (const [name, feature] of Object.entries(features)) {
    const where = `feature '${name}'`
    checkName(name, where, report)
    if (!isExpression(feature)) {
      report(where, 'this is no expression', 'Return an aggregate with its window: count().over(…).')
      continue
    }
    checkTree(feature.node, 'moment', source.fields, where, report)
  }
  if (ttl !== null) {
    checkDuration(ttl, 'ttl', report)
    const cut = Object.values(features).some(
      (feature) =>
        isExpression(feature) &&
        [...walk(feature.node)].some(
          (n) =>
            n.kind === 'window' &&
            n.length === 'ever' &&
            ['first', 'last', 'firstN', 'lastN'].includes(n.aggregate.function),
        ),
    )
    if (!cut)
      report(
        'ttl',
        'no feature is cut by it: it ends first, last, firstN and lastN without a window',
        'Leave it out, or use .ever() with one of these.',
      )
  }
}

function checkModel(model: Model, report: Report): void {
  for (const [group, input] of Object.entries(model.inputs)) {
    if (group === 'keys') report(`input 'keys'`, 'the keys have that name already', 'Choose another name.')
    checkName(group, `input '${group}'`, report)
    if (isView(input) && group === 'request')
      report(`input 'request'`, 'a view cannot stand there', 'Give the view another name.')
    if (!isView(input) && group !== 'request')
      report(`input '${group}'`, 'only views stand beside the request', "Put request fields under 'request'.")
    if (!isView(input)) checkFields(input, report, 'request field')
  }
  const types = new Map<string, string>()
  for (const [group, view] of viewsOf(model.inputs))
    for (const [part, type] of Object.entries(view.key)) {
      if ((types.get(part) ?? type) !== type)
        report(`input '${group}'`, `views disagree on the type of the key '${part}'`, 'Rename one with .as({ … }).')
      types.set(part, type)
    }
  checkVector(model, report)
  checkOutputs(model, report)
  checkBudget(model, report)
}

function checkVector({ vector }: Model, report: Report): void {
  const entries = Object.entries(vector)
  if (entries.length === 0) report('vector', 'it has no entries', 'Return what the model is to be given.')
  if (entries.length > bounds.entriesPerVector)
    report('vector', `${entries.length} entries are more than ${bounds.entriesPerVector}`, 'Leave some out.')
  for (const [name, node] of entries) {
    const where = `vector entry '${name}'`
    if (name.length > 200) report(where, 'the name is longer than 200', 'Shorten it.')
    const type = typeOf(node)
    if (!['int64', 'float64', 'boolean', 'string'].includes(type))
      report(
        where,
        `a model cannot be given a ${type}`,
        type === 'duration'
          ? 'Say the unit: minutes().'
          : type === 'timestamp'
            ? 'Take its hour, or the time since.'
            : 'Take one element: at(0).',
      )
    checkTree(node, 'moment', null, where, report)
  }
}

/** Why this is no kind of output; null where it is one. */
function kindProblem(kind: Output): string | null {
  if (kind === 'probability' || kind === 'number') return null
  if (typeof kind !== 'object' || kind === null || !('label' in kind || 'vector' in kind))
    return `${JSON.stringify(kind)} is no kind of output`
  if ('vector' in kind)
    return Number.isSafeInteger(kind.vector) && kind.vector > 0 ? null : `${kind.vector} is no length of a vector`
  if (kind.label.length === 0) return 'the label has no values'
  const again = kind.label.find((value, i) => kind.label.indexOf(value) !== i)
  return again === undefined ? null : `the label has the value '${again}' twice`
}

const fitting = (output: Output): readonly string[] =>
  output === 'number' || output === 'probability' ? ['int64', 'float64'] : ['string']

function checkOutputs(model: Model, report: Report): void {
  const { output, fallback, post } = model
  if (Object.keys(output).length === 0)
    report('output', 'there is none', "Name at least one: output: { score: 'number' }.")
  for (const [name, kind] of Object.entries(output)) {
    const where = `output '${name}'`
    if (name === 'record') report(where, 'this name cannot be used', 'A prediction has a record of its own.')
    checkName(name, where, report)
    const wrong = kindProblem(kind)
    if (wrong !== null) {
      report(where, wrong, "Use 'probability', 'number', label(…) or vector(…).")
      continue
    }
    const answer = fallback[name]
    const own = `fallback '${name}'`
    if (answer === undefined) report(own, 'it does not answer this output', 'Return a value for every output.')
    else if (typeof kind === 'object' && 'vector' in kind) {
      if (!Array.isArray(answer) || answer.length !== kind.vector || !answer.every(Number.isFinite))
        report(own, `it is not ${kind.vector} numbers`, 'Return as many numbers as the output has.')
    } else if (Array.isArray(answer)) report(own, 'a list cannot answer this output', 'Return one value.')
    else {
      const node = answer as Node
      if (!fitting(kind).includes(typeOf(node)))
        report(own, `a ${typeOf(node)} cannot answer this output`, `Return a ${fitting(kind).at(-1)}.`)
      if (typeof kind === 'object' && node.kind === 'literal' && !kind.label.includes(String(node.value)))
        report(own, `'${node.value}' is none of the labels ${kind.label.join(', ')}`, 'Return one of them.')
      if (isNullable(node))
        report(own, 'it may be missing', 'End it with orElse(…): a fallback is the last thing that answers.')
      checkTree(node, 'moment', null, own, report)
    }
  }
  for (const [name, node] of Object.entries(post)) {
    const own = `post '${name}'`
    const kind = output[name]
    if (kind === undefined) report(own, 'the model has no such output', suggestion(name, Object.keys(output)))
    else if (typeof kind === 'object' && 'vector' in kind)
      report(own, 'a vector of numbers cannot be computed', 'Leave it as the file gives it.')
    else if (!fitting(kind).includes(typeOf(node!)))
      report(own, `a ${typeOf(node!)} cannot be this output`, `Return a ${fitting(kind).at(-1)}.`)
    else checkTree(node!, 'moment', null, own, report)
  }
  if (Object.keys(output).length > 0 && Object.keys(fileOutputsOf(model)).length === 0)
    report('post', 'it reads no output of the file, which would then not be asked', 'Read one: output.score.')
  for (const name of Object.keys(fallback))
    if (!(name in output))
      report(`fallback '${name}'`, 'the model has no such output', suggestion(name, Object.keys(output)))
}

function checkBudget({ budget }: Model, report: Report): void {
  const { total, ...stages } = budget
  for (const [stage, ms] of Object.entries(budget))
    if (!(Number.isFinite(ms) && ms > 0))
      report(`budget.${stage}`, `${ms} is no number of milliseconds`, 'Give a positive number.')
  const sum = Object.values(stages).reduce((a, b) => a + b, 0)
  if (sum > total) report('budget', `the stages take ${sum} ms of ${total}`, 'Raise the total, or shorten a stage.')
}
