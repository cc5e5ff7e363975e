/** Some thousand rows: their vectors into calls of the model, what it gives into answers, and what is to be known of them into profiles. */
import type { Batch } from '../../definition/batch.ts'
import { fileOutputsOf } from '../../definition/model.ts'
import type { OutputValue, Signature } from '../../inference/index.ts'
import { postProcessOf } from '../../inference/index.ts'
import type { Column, Columns, WrittenColumn } from '../../ports/batch-rows.ts'
import type { Tensors } from '../../ports/model-runtime.ts'
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import type { Profiles, Segments } from '../profile-set.ts'
import type { AnswerColumn } from './answers.ts'
import { columnOf, emptyAnswers, outputsOf, readAnswers, setAnswer } from './answers.ts'
import { cellOf, readerOf } from './cells.ts'
import { tensorMaker } from './tensors.ts'
import { hashVectors } from './vector-hash.ts'

export interface ChunkScorerOptions {
  readonly batch: Batch
  readonly at: number
  readonly signature: Signature
  /** What the model's file gives for some of the rows: asked with tensors of them, or known with the rows already. */
  readonly answer: (inputs: Tensors, given: Columns, rows: Int32Array) => Promise<Tensors>
  readonly profiles: Profiles
  readonly columns: readonly WrittenColumn[]
}

/** Rows a call: what a model reads and writes for them stays in the cache of a processor. */
const callRows = 2_048

/** Its keys lie where the vectors did: it is released with them. */
export interface ScoredChunk extends Columns {
  release(): void
  /** Takes the rows into the profiles: one chunk after another, so that the same rows give the same sums. */
  look(): void
}

export interface ChunkScorer {
  /** Rows that the model was called with. */
  readonly inferred: number
  score(vectors: Columns): Promise<ScoredChunk>
}

export function chunkScorer({ batch, at, signature, answer, profiles, columns }: ChunkScorerOptions): ChunkScorer {
  const { model } = batch
  const single = new Set(columns.filter(({ type }) => type === 'float32').map(({ name }) => name))
  const post = postProcessOf(model)
  const fileOutputs = Object.entries(fileOutputsOf(model))
  const decide = batch.decision === null ? null : readerOf(batch.decision, at)
  const segments = Object.entries(batch.segments).map(
    ([name, node]) => [profiles.segments[name]!, readerOf(node, at)] as const,
  )
  if (batch.unknown.segment !== null) segments.push([profiles.unknown, readerOf(batch.unknown.segment, at)])
  const most = signature.rows ?? callRows
  const tensors = tensorMaker(signature, most)
  let inferred = 0

  async function call(
    given: Columns,
    entries: readonly Column[],
    answers: readonly AnswerColumn[],
    rows: Int32Array,
  ): Promise<void> {
    const calls: Promise<void>[] = []
    for (let from = 0; from < rows.length; from += most) {
      const some = rows.subarray(from, from + most)
      const lacking = new Set<number>()
      const inputs = tensors.make(entries, some, (row) => lacking.add(row))
      calls.push(
        answer(inputs, given, some).then((answered) => {
          tensors.release(inputs)
          readAnswers(signature, answered, answers, some)
          for (const row of lacking) for (const { valid } of answers) valid[row] = 0
        }),
      )
    }
    inferred += rows.length
    await Promise.all(calls)
  }

  const score = async (vectors: Columns): Promise<ScoredChunk> => {
    const { rows, columns: given } = vectors
    const of = (group: string): readonly Column[] => given.filter(({ name }) => name.startsWith(`${group}__`))
    const entries = of('vector')
    const hashes = batch.incremental ? hashVectors(entries, rows) : null
    const answers = emptyAnswers(outputsOf(model), single, rows)
    const kept = hashes === null ? null : keep(of('previous'), hashes, answers, rows)
    const fresh = kept === null ? every(rows) : kept
    const file = post === null ? answers : emptyAnswers(fileOutputs, new Set(), rows)
    await call(vectors, entries, file, fresh)
    if (post !== null)
      for (const row of fresh) {
        const values = file.map(({ values, valid }) => (valid[row] === 0 ? null : (values[row] as OutputValue)))
        // A computation may read an output that is not there, and then gives none.
        const made = post(values, (position) => cellOf(entries[position]!, row))
        for (const [i, answer] of answers.entries()) setAnswer(answer, row, made[i])
      }
    const outputs = answers.map(columnOf)
    const byName = new Map(
      [...given, ...outputs.map((column) => ({ ...column, name: `output__${column.name}` }))].map((c) => [c.name, c]),
    )
    const column = (group: string, name: string): Column => byName.get(`${group}__${name}`)!
    const more: Column[] = []
    if (decide !== null) {
      const texts = Array.from({ length: rows }, (_, row) => {
        const value = decide(column, row)
        return value === null ? null : String(value)
      })
      more.push({ name: '_sx_decision', type: 'string', values: texts, valid: null })
    }
    if (hashes !== null) more.push({ name: '_sx_vector', type: 'int64', values: hashes, valid: null })
    return {
      rows,
      release: () => vectors.release?.(),
      look: () => {
        profile(profiles, entries, outputs, rows)
        for (const [segment, read] of segments)
          for (let row = 0; row < rows; row++) inSegment(segment, String(read(column, row) ?? ''), outputs, row)
      },
      columns: [
        ...Object.keys(batch.key).map((part) => ({ ...column('keys', part), name: part })),
        ...outputs,
        ...more,
      ],
    }
  }
  return {
    get inferred() {
      return inferred
    },
    score,
  }
}

let positions = new Int32Array(0)
/** All rows, by their positions. */
function every(rows: number): Int32Array {
  if (positions.length < rows) positions = new Int32Array(rows).map((_, row) => row)
  return positions.subarray(0, rows)
}

/** Answers of rows whose vector is as it was; gives the rows of which it is not. */
function keep(
  previous: readonly Column[],
  hashes: BigInt64Array,
  answers: readonly AnswerColumn[],
  rows: number,
): Int32Array {
  const before = new Map(previous.map((column) => [column.name.slice('previous__'.length), column]))
  const known = before.get('_sx_vector')
  if (known === undefined) return every(rows)
  const fresh: number[] = []
  for (let row = 0; row < rows; row++) {
    if ((known.valid !== null && known.valid[row] === 0) || known.values[row] !== hashes[row]) {
      fresh.push(row)
      continue
    }
    for (const answer of answers) {
      const value = cellOf(before.get(answer.name)!, row)
      setAnswer(answer, row, typeof value === 'string' && answer.written === 'float64[]' ? JSON.parse(value) : value)
    }
  }
  return Int32Array.from(fresh)
}

function profile(profiles: Profiles, entries: readonly Column[], outputs: readonly Column[], rows: number): void {
  profiles.rows += rows
  for (const column of entries) addColumn(profiles.entries[column.name.slice('vector__'.length)]!, column, rows)
  for (const column of outputs) {
    const of = profiles.outputs[column.name]
    if (of !== undefined) addColumn(of, column, rows)
    if (column.valid === null) continue
    let missing = 0
    for (let row = 0; row < rows; row++) if (column.valid[row] === 0) missing++
    profiles.missing[column.name]! += missing
  }
}

function addColumn(to: ColumnProfile, column: Column, rows: number): void {
  const { values, valid } = column
  if (to.kind === 'text') for (let row = 0; row < rows; row++) to.add(cellOf(column, row) as string | null)
  else if (values instanceof BigInt64Array)
    for (let row = 0; row < rows; row++) to.addOne(cellOf(column, row) as number | null)
  else to.add(values as Float64Array, valid, 0, rows)
}

function inSegment(segments: Segments, value: string, outputs: readonly Column[], row: number): void {
  const of = segments.of(value)
  of.rows++
  for (const column of outputs) {
    const profile = of.outputs[column.name]
    if (profile === undefined) continue
    const cell = cellOf(column, row)
    if (profile.kind === 'text') profile.add(cell as string | null)
    else profile.addOne(cell as number | null)
  }
}
