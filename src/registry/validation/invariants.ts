/** What must hold of every answer, tried on rows: as they are, and with entries of them changed. */
import type { Invariant } from '../../definition/gate.ts'
import type { Model } from '../../definition/model.ts'
import type { Value } from '../../expression/node.ts'
import type { Locate } from '../../expression/targets/javascript/compile.ts'
import { compile } from '../../expression/targets/javascript/compile.ts'
import type { InvariantFigures } from './figures.ts'
import type { Answer, Row, Scorer } from './scorer.ts'
import { answerOf, rowOf } from './scorer.ts'
import type { Finding } from './words.ts'
import { brief, compact } from './words.ts'

/** A row of values is the vector, then the answer to it, then the answer after a change. */
export function locate({ vector, output }: Model): Locate {
  const entries = Object.keys(vector)
  const outputs = Object.keys(output)
  return (leaf) => {
    if (leaf.kind !== 'input') return -1
    if (leaf.group === 'vector') return entries.indexOf(leaf.name)
    return entries.length + (leaf.group === 'after' ? outputs.length : 0) + outputs.indexOf(leaf.name)
  }
}

const mostExamples = 5
const rowsAtOnce = 1_000

export async function tryInvariant(
  model: Model,
  { changes, holds }: Invariant,
  rows: readonly Row[],
  from: string,
  { score }: Scorer,
): Promise<Finding> {
  const place = locate(model)
  const condition = compile(holds, place)
  const entries = Object.keys(model.vector)
  const compiled = changes.map((change) =>
    Object.entries(change).map(([entry, node]) => [entries.indexOf(entry), compile(node, place)] as const),
  )
  let applies = 0
  let violations = 0
  const examples: InvariantFigures['examples'][number][] = []
  const judge = (row: Row, before: Answer, changed: Row | null, after: Answer): void => {
    const held = condition([...row, ...before, ...after] as Value[])
    if (held === null) return
    applies++
    if (held === true) return
    violations++
    if (examples.length < mostExamples)
      examples.push({
        row: rowOf(model, row),
        before: answerOf(model, before),
        changed: changed === null ? null : differing(model, row, changed),
        after: changed === null ? null : answerOf(model, after),
      })
  }
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    const some = rows.slice(at, at + rowsAtOnce)
    const befores = await score(some)
    if (compiled.length === 0)
      some.forEach((row, i) => {
        const before = befores[i]
        if (before) judge(row, before, null, before)
      })
    for (const change of compiled) {
      const changed = some.map((row) => {
        const copy = [...row]
        for (const [entry, evaluate] of change) copy[entry] = evaluate(row)
        return copy
      })
      const afters = await score(changed)
      some.forEach((row, i) => {
        const [before, after] = [befores[i], afters[i]]
        if (before && after) judge(row, before, changed[i]!, after)
      })
    }
  }
  const figures: InvariantFigures = { rows: rows.length, applies, violations, examples }
  const [first] = examples
  if (first !== undefined) {
    const then =
      first.changed === null ? '' : `; with ${brief(first.changed, 200)} it answers ${brief(first.after!, 200)}`
    return {
      outcome: 'failed',
      words: `It does not hold for ${compact(violations)} of ${compact(applies)} tries on ${compact(rows.length)} ${from}. To ${brief(first.row, 800)} it answers ${brief(first.before, 200)}${then}.`,
      figures,
    }
  }
  return applies === 0
    ? { outcome: 'not possible', words: `None of ${compact(rows.length)} ${from} says anything of it.`, figures }
    : { outcome: 'passed', words: `It holds in ${compact(applies)} tries on ${compact(rows.length)} ${from}.`, figures }
}

const differing = (model: Model, row: Row, changed: Row): { readonly [entry: string]: Value } =>
  Object.fromEntries(
    Object.keys(model.vector).flatMap((name, i) => (row[i] === changed[i] ? [] : [[name, changed[i]!] as const])),
  )
