/** What is made of the outputs of a file: calibrations, thresholds and rules of the definition. */
import type { Model, Output } from '../definition/model.ts'
import { fileOutputsOf } from '../definition/model.ts'
import type { Node, Value } from '../expression/node.ts'
import { walk } from '../expression/node.ts'
import { compile } from '../expression/targets/javascript/compile.ts'
import type { OutputValue } from './tensors.ts'

type Outputs = readonly (OutputValue | null)[]

/**
 * Outputs in the order of the definition, from those of the file in theirs; null where one cannot be an answer, or could not be made.
 * `entry` gives the value of the vector's entry at a position.
 */
export type PostProcess = (file: Outputs, entry: (position: number) => Value) => Outputs

/** Null where the file's outputs are the model's. */
export function postProcessOf(model: Model): PostProcess | null {
  if (Object.keys(model.post).length === 0) return null
  const given = Object.keys(fileOutputsOf(model))
  const names = Object.keys(model.vector)
  const read = new Set<string>()
  for (const node of Object.values(model.post))
    for (const leaf of walk(node!)) if (leaf.kind === 'input' && leaf.group === 'vector') read.add(leaf.name)
  const entries = [...read].map((name) => names.indexOf(name))
  const locate = (leaf: Node): number =>
    leaf.kind !== 'input'
      ? -1
      : leaf.group === 'vector'
        ? given.length + [...read].indexOf(leaf.name)
        : given.indexOf(leaf.name)
  const makers = Object.entries(model.output).map(([name, kind]): ((row: readonly Value[]) => OutputValue | null) => {
    const node = Object.hasOwn(model.post, name) ? model.post[name] : undefined
    if (node === undefined) {
      const at = given.indexOf(name)
      return (row) => row[at] as OutputValue | null
    }
    const evaluate = compile(node, locate)
    return (row) => answerOf(kind, evaluate(row))
  })
  return (file, entry) => {
    const row = [...file, ...entries.map(entry)] as readonly Value[]
    return makers.map((make) => make(row))
  }
}

function answerOf(kind: Output, value: Value): OutputValue | null {
  if (value === null) return null
  if (typeof kind === 'object')
    return 'label' in kind && kind.label.includes(value as string) ? (value as string) : null
  const number = Number(value)
  if (!Number.isFinite(number)) return null
  return kind === 'probability' && !(number >= 0 && number <= 1) ? null : number
}
