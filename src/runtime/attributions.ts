/**
 * What each entry of the vector added to a prediction: of the version that answered, over the last distinct vectors of the model. All of it
 * is in the log and the registry, so that predictions cost nothing for it, and any process with the stores can say it.
 */
import type { Attributions } from '../api/index.ts'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Platform } from '../definition/graph.ts'
import { modelNamed } from '../definition/graph.ts'
import type { LoggedPrediction, PredictionReader, Signature } from '../inference/index.ts'
import { attribute, signatureOf } from '../inference/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { ModelRuntime } from '../ports/model-runtime.ts'
import type { ModelStructure } from '../ports/model-structure.ts'
import { answersOf, marginsOf, seenBy } from '../ports/model-structure.ts'
import type { ModelVersion } from '../ports/registry-store.ts'
import type { VersionFiles } from '../registry/index.ts'
import type { Vector } from './vectors.ts'
import { vectorReader } from './vectors.ts'

/** Throws SX_NOT_ATTRIBUTABLE. `vector`: null where the model is defined otherwise by now. */
export type Attributing = (logged: LoggedPrediction, vector: Vector | null) => Promise<Attributions>

export interface AttributingOptions {
  readonly platform: Platform
  readonly predictions: PredictionReader
  readonly models: ModelRuntime
  readonly files: VersionFiles
  readonly find: (model: string, version: number) => Promise<ModelVersion | null>
}

/** Vectors that an answer is compared with, and how many predictions are read to find them. */
const backgroundRows = 100
const recentMost = 400
/** Structures that are kept to be asked again, and the nodes of all trees in one beyond which it is not. */
const structuresKept = 4
const nodesKept = 2 ** 20
/** An answer taken apart must be the one that was given. */
const tolerance = 1e-3

export function attributing({ platform, predictions, models, files, find }: AttributingOptions): Attributing {
  const kept = new Map<string, ModelStructure | null>()
  const structureOf = async (version: ModelVersion): Promise<ModelStructure | null> => {
    const known = kept.get(version.manifest)
    if (known !== undefined) return known
    const structure = await models.structure(await files.open(version))
    if (structure?.kind === 'trees' && structure.column.length > nodesKept) return structure
    kept.set(version.manifest, structure)
    if (kept.size > structuresKept) kept.delete(kept.keys().next().value!)
    return structure
  }
  return async (logged, vector) => {
    const { schema } = logged
    if (vector === null)
      throw refused(`'${schema.model}' is defined otherwise by now: the vector of this prediction is not known.`)
    const instead = logged.degraded.find(
      ({ by }) => by === 'cache' || by === 'batch' || by === 'rule' || by === 'default',
    )
    if (logged.version === null || instead !== undefined)
      throw refused(
        `The answer is not of a model: its ${instead?.stage ?? 'inference'} stage failed, and '${instead?.by ?? 'rule'}' stood in.`,
      )
    const version = await find(schema.model, Number(logged.version))
    if (version === null)
      throw refused(`Version ${logged.version} of '${schema.model}', which answered, is not in the registry any more.`)
    const structure = await structureOf(version)
    if (structure === null)
      throw refused(`Version ${logged.version} of '${schema.model}' is neither a tree ensemble nor linear.`)
    const model = modelNamed(platform, schema.model)
    const signature = signatureOf(model, version)
    const columns = signature.inputs.find(({ input }) => input === structure.input)?.entries ?? []
    if (columns.length < structure.columns)
      throw refused(`Version ${logged.version} of '${schema.model}' reads columns that the vector does not have.`)
    const names = Object.keys(vector)
    const valuesOf = (of: Vector): number[] => columns.map((column) => numberOf(of[names[column]!]))
    const values = valuesOf(vector)
    const others = await othersOf(schema.model, values, valuesOf)
    const { output, place } = meant(signature, structure, values)
    const { shares, ...found } = await attribute(structure, place, values, others)
    // What post-processing made of it is another number.
    if (!Object.hasOwn(model.post, output)) checkAnswer(logged, output, found.answer)
    const entries = Object.fromEntries(names.map((name): [string, number] => [name, 0]))
    for (const [i, share] of shares.entries()) entries[names[columns[i]!]!]! += share
    return { output, place, ...found, entries }
  }

  /** The last distinct vectors, and not the one itself. */
  async function othersOf(model: string, own: readonly number[], valuesOf: (of: Vector) => number[]) {
    const definition = hashOfDefinition(modelNamed(platform, model))
    const recent = (await predictions.recent(model, recentMost)).filter(
      ({ schema }) => schema.definition === definition,
    )
    const read = recent[0] === undefined ? null : vectorReader(recent[0].schema, platform)
    const others: number[][] = []
    const seen = new Set([own.join()])
    for (const one of [...recent].sort((a, b) => b.at - a.at)) {
      const values = valuesOf(read!(one))
      if (seen.has(values.join())) continue
      seen.add(values.join())
      if (others.push(values) === backgroundRows) break
    }
    if (others.length > 0) return others
    throw new SixfoldError(
      'SX_NOT_ATTRIBUTABLE',
      `There is no other prediction of '${model}' with another vector, and an answer is taken apart by comparison.`,
      { fix: 'Ask again when the model has predicted more.' },
    )
  }
}

const refused = (why: string): SixfoldError => new SixfoldError('SX_NOT_ATTRIBUTABLE', why)

/** As the inputs of a file have them: missing is NaN. */
const numberOf = (value: unknown): number => (value === null ? Number.NaN : Number(value))

/** Which number of the file's output is taken apart, and whose output of the model it is. */
function meant(
  { outputs }: Signature,
  structure: ModelStructure,
  values: readonly number[],
): { readonly output: string; readonly place: number } {
  const label = outputs.find(({ kind }) => typeof kind === 'object' && 'label' in kind)
  const output = outputs.find(({ tensor }) => tensor === structure.output) ?? label
  if (output === undefined) throw refused(`No output of the model is '${structure.output}' of the file.`)
  if (structure.margins === 1) return { output: output.name, place: structure.width - 1 }
  // Of a probability that of the second class; of several numbers the highest.
  if (output.kind === 'probability') return { output: output.name, place: 1 }
  const answers = answersOf(structure, marginsOf(structure, seenBy(structure, values)))
  return { output: output.name, place: answers.indexOf(answers.reduce((a, b) => Math.max(a, b))) }
}

/** What was answered is what was taken apart; of lists and labels that is not looked at. */
function checkAnswer({ schema, outputs }: LoggedPrediction, output: string, answer: number): void {
  const given = outputs[schema.outputs.indexOf(output)]
  if (typeof given === 'number' && Math.abs(given - answer) > tolerance * (1 + Math.abs(given)))
    throw refused(`Taken apart, the answer would be ${answer}; it was ${given}.`)
}
