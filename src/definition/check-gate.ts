/** What the types of a gate cannot hold: a part of `validate`. */
import { isExpression } from '../expression/builder.ts'
import type { Node } from '../expression/node.ts'
import { typeOf, walk } from '../expression/node.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { Report } from './check-tree.ts'
import { checkTree } from './check-tree.ts'
import type { Gate, Margin } from './gate.ts'
import { factNames, gatedStages } from './gate.ts'

export function checkGate(gate: Gate, report: Report): void {
  if (gate.name !== gate.model.name)
    report('name', `its model is called '${gate.model.name}'`, 'Make it with gate(model, { … }).')
  checkInvariants(gate, report)
  checkStages(gate, report)
  checkHeldOut(gate, report)
  for (const [name, { of, minimumRows, noWorseThan }] of Object.entries(gate.slices)) {
    const where = `slice '${name}'`
    checkCondition(of, where, report)
    if (!isCount(minimumRows, 2))
      report(where, `${minimumRows} is no number of rows to judge by`, 'Give a whole number from 2.')
    checkMargin(noWorseThan, where, report)
  }
  if (Object.keys(gate.slices).length > 0 && gate.heldOut === null)
    report('slices', 'there is no held-out data to cut into slices', 'Give heldOut: { data, labels }.')
  checkFigures(gate, report)
}

const isCount = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'kind' in value && !isExpression(value)

function checkCondition(node: Node, where: string, report: Report): void {
  if (!isNode(node) || typeOf(node) !== 'boolean')
    report(where, 'this is no condition', 'Return a comparison: output.score.lte(1).')
  else checkTree(node, 'moment', null, where, report)
}

function checkInvariants({ invariants, model }: Gate, report: Report): void {
  for (const [name, { changes, holds }] of Object.entries(invariants)) {
    const where = `invariant '${name}'`
    checkCondition(holds, where, report)
    if (
      changes.length === 0 &&
      isNode(holds) &&
      [...walk(holds)].some((n) => n.kind === 'input' && n.group === 'after')
    )
      report(where, 'nothing is changed: there is no answer after it', 'Say what to change, or read output.')
    for (const change of changes)
      for (const [entry, node] of Object.entries(change)) {
        if (!Object.hasOwn(model.vector, entry)) {
          const names = Object.keys(model.vector)
          report(
            where,
            `the vector has no entry '${entry}'. ${suggestion(entry, names)}`,
            'Change an entry that it has.',
          )
          continue
        }
        const wanted = typeOf(model.vector[entry]!)
        if (!isNode(node)) report(where, `what '${entry}' becomes is no expression`, 'Give a value or an expression.')
        else if (typeOf(node) !== wanted)
          report(where, `'${entry}' is a ${wanted} and cannot become a ${typeOf(node)}`, `Give a ${wanted}.`)
        else checkTree(node, 'moment', null, where, report)
      }
  }
}

function checkStages({ require: required, approvals }: Gate, report: Report): void {
  for (const [what, given] of [
    ['require', required],
    ['approvals', approvals],
  ] as const)
    for (const stage of Object.keys(given))
      if (!gatedStages.includes(stage as 'staging'))
        report(what, `'${stage}' is no stage that asks. ${suggestion(stage, gatedStages)}`, 'Name one that does.')
  for (const stage of gatedStages) {
    for (const fact of required[stage])
      if (!factNames.includes(fact))
        report(`require.${stage}`, `'${fact}' is no fact. ${suggestion(fact, factNames)}`, 'Name one of the seven.')
    if (!isCount(approvals[stage], 0))
      report(`approvals.${stage}`, `${approvals[stage]} is no number of people`, 'Give a whole number.')
  }
  if (approvals.validated > 0)
    report('approvals.validated', 'what validates is a computation', 'Ask for approvals of staging or production.')
}

function checkHeldOut({ heldOut, model }: Gate, report: Report): void {
  if (heldOut === null) return
  const { data, labels, alpha, noWorseThan } = heldOut
  if (typeof data?.path !== 'string') report('heldOut.data', 'it names no file', "Write parquet('heldout.parquet').")
  if (Object.keys(labels).length === 0)
    report(
      'heldOut.labels',
      'no output has a column of truth',
      `Name one: labels: { ${Object.keys(model.output)[0]}: '…' }.`,
    )
  for (const [output, column] of Object.entries(labels)) {
    const where = `heldOut.labels.${output}`
    const kind = Object.hasOwn(model.output, output) ? model.output[output]! : null
    if (kind === null)
      report(where, `the model has no such output. ${suggestion(output, Object.keys(model.output))}`, 'Name an output.')
    else if (typeof kind === 'object' && 'vector' in kind)
      report(where, 'vectors are not compared with a truth', 'Leave it out.')
    if (typeof column !== 'string') report(where, 'this is no name of a column', 'Give a text.')
  }
  if (!(alpha > 0 && alpha < 0.5))
    report('heldOut.alpha', `${alpha} is no chance of an error`, 'Give a number such as 0.05.')
  checkMargin(noWorseThan, 'heldOut.noWorseThan', report)
}

function checkMargin(margin: Margin, where: string, report: Report): void {
  const sound =
    typeof margin === 'number'
      ? Number.isFinite(margin) && margin >= 0
      : typeof margin === 'string' && /^\d+(\.\d+)?%$/.test(margin)
  if (!sound) report(where, `${JSON.stringify(margin)} is no margin`, "Give a number from 0, or a share as '2%'.")
}

function checkFigures({ latency, memoryBytes, tolerance, operators }: Gate, report: Report): void {
  if (latency.rows.length === 0) report('latency.rows', 'there is none', 'Name a number of rows.')
  for (const rows of latency.rows)
    if (!isCount(rows, 1) || rows > 65_536)
      report('latency.rows', `${rows} is no number of rows`, 'Give one from 1 to 65,536.')
  if (!(Number.isFinite(latency.p99Ms) && latency.p99Ms > 0))
    report('latency.p99Ms', `${latency.p99Ms} is no number of milliseconds`, 'Give a positive number.')
  if (memoryBytes !== null && !isCount(memoryBytes, 1))
    report('memoryBytes', `${memoryBytes} is no number of bytes`, 'Give a positive whole number.')
  for (const [name, value] of Object.entries(tolerance))
    if (!(Number.isFinite(value) && value >= 0))
      report(`tolerance.${name}`, `${value} is no tolerance`, 'Give a number from 0.')
  if (operators.opset !== null && !(isCount(operators.opset[0], 1) && operators.opset[0] <= operators.opset[1]))
    report('operators.opset', `${JSON.stringify(operators.opset)} is empty`, 'Give two numbers, the lower one first.')
}
