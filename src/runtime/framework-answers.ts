/** What a framework itself answers to some rows, and what of it the outputs of a definition are held to. */
import type { Model, Output } from '../definition/model.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'

/** The last line of python/convert_model.py. */
export interface Said {
  readonly framework: string
  readonly packages: readonly string[]
  readonly language: string
  readonly opsets: { readonly [domain: string]: number }
  readonly classes: readonly (string | number | boolean)[] | null
  readonly rows: readonly (readonly (number | string | null)[])[]
  readonly answers: {
    readonly probabilities?: readonly (readonly number[])[]
    readonly labels?: readonly (string | number | boolean)[]
    readonly numbers?: readonly (number | readonly number[])[]
  }
  /** Rows to which the framework answers no number; they are not among these. */
  readonly unanswered: number
}

export function isSaid(reply: object): reply is Said {
  const { framework, packages, rows, answers, unanswered } = reply as { readonly [name in keyof Said]?: unknown }
  const count = Array.isArray(rows) && rows.every(Array.isArray) ? rows.length : 0
  return (
    typeof framework === 'string' &&
    Array.isArray(packages) &&
    count > 0 &&
    typeof unanswered === 'number' &&
    typeof answers === 'object' &&
    answers !== null &&
    Object.values(answers).every((values) => Array.isArray(values) && values.length === count)
  )
}

/** Row by row, of those outputs that the file gives as they are. */
export function answersFor({ output, post }: Model, { answers, classes, rows }: Said) {
  const given = Object.entries(output).filter(([name]) => !Object.hasOwn(post, name))
  return rows.map((_, i) => {
    const all: { [output: string]: unknown } = {}
    for (const [name, kind] of given) {
      all[name] = answerOf(kind as Output, i, answers, classes)
      if (all[name] === undefined) throw unlike(name, kind as Output, i, answers)
    }
    return all
  })
}

/** A file may leave open how many numbers it gives, so that nothing else would find it. */
function unlike(name: string, kind: Output, row: number, { probabilities, labels, numbers }: Said['answers']) {
  const number = numbers?.[row]
  const given = [
    probabilities === undefined ? [] : `probabilities of ${probabilities[row]!.length} classes`,
    labels === undefined ? [] : 'labels',
    number === undefined ? [] : typeof number === 'number' ? 'a number' : `${number.length} numbers`,
  ].flat()
  const wanted = typeof kind === 'string' ? kind : 'vector' in kind ? `vector(${kind.vector})` : 'label'
  return new SixfoldError(
    'SX_SIGNATURE_MISMATCH',
    `To a row the model answers ${given.join(' and ')}, of which none is the output '${name}', a ${wanted}.`,
    { fix: 'Correct the output of the definition, or compute it by `post`.' },
  )
}

function answerOf(
  kind: Output,
  row: number,
  { probabilities, labels, numbers }: Said['answers'],
  classes: Said['classes'],
): unknown {
  const [shares, number] = [probabilities?.[row], numbers?.[row]]
  if (kind === 'probability') return shares?.length === 2 ? shares[1] : typeof number === 'number' ? number : undefined
  if (kind === 'number') return typeof number === 'number' ? number : undefined
  if ('vector' in kind) {
    const vector = shares ?? (typeof number === 'number' ? undefined : number)
    return vector?.length === kind.vector ? vector : undefined
  }
  const most = shares === undefined ? undefined : shares.indexOf(Math.max(...shares))
  const label = labels?.[row] ?? (most === undefined ? undefined : (classes?.[most] ?? most))
  if (label === undefined) return undefined
  // Numbers of classes stand for their places in the definition.
  const named = kind.label.includes(String(label)) ? String(label) : kind.label[Number(label)]
  if (named !== undefined) return named
  throw new SixfoldError(
    'SX_SIGNATURE_MISMATCH',
    `The model answers the class '${shorten(String(label))}', which the definition does not name: ${kind.label.join(', ')}.`,
    { fix: 'Name in label(…) all classes that the model knows; of numbers, in their order from 0.' },
  )
}
