/**
 * The `MLmodel` file that MLflow's clients write beside a model: which flavour it has, which file is its ONNX form, and of what packages it is
 * made. It comes from whoever sent it: what is not as expected is not there.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import type { Facts, TensorInfo } from '../../ports/registry-store.ts'
import { readYaml } from './yaml.ts'

export interface MlModel {
  /** 'onnx' where it has that flavour; else its own, as its client names it. */
  readonly flavor: string | null
  /** The path of the ONNX file within the folder. */
  readonly entry: string | null
  readonly language: string | null
  /** What its signature says it is called with; null where it has none that can be read. */
  readonly inputs: readonly DeclaredInput[] | null
}

export interface DeclaredInput {
  readonly name: string | null
  /** A column of numbers or texts, or a tensor. */
  readonly kind: 'column' | 'tensor'
  readonly text: boolean
  /** Of a tensor; -1 where the size is free. */
  readonly shape: readonly number[] | null
}

const longest = 1024 * 1024

/** Rejects with SX_ARTIFACT_INVALID where it is no YAML. */
export async function readMlModel(text: string): Promise<MlModel> {
  if (text.length > longest) throw invalid(`it has ${text.length} characters`)
  let document: unknown
  try {
    document = await readYaml(text)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'it is no YAML')
  }
  const flavors = member(document, 'flavors')
  const onnx = member(flavors, 'onnx')
  const own = flavors === null ? [] : Object.keys(flavors as object).filter((name) => name !== 'python_function')
  const python = member(member(flavors, 'python_function'), 'python_version')
  const data = onnx === null ? null : member(onnx, 'data')
  return {
    flavor: onnx === null ? (own[0] ?? (flavors === null ? null : 'python_function')) : 'onnx',
    entry: onnx === null ? null : typeof data === 'string' ? data : 'model.onnx',
    language: typeof python === 'string' || typeof python === 'number' ? `python ${python}` : null,
    inputs: inputsIn(member(member(document, 'signature'), 'inputs')),
  }
}

/** A list as JSON in a text, of columns `{type, name}` or of tensors `{type: 'tensor', 'tensor-spec': {dtype, shape}}`. */
function inputsIn(given: unknown): readonly DeclaredInput[] | null {
  if (typeof given !== 'string') return null
  let list: unknown
  try {
    list = JSON.parse(given)
  } catch {
    return null
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > 100_000) return null
  return list.map((one): DeclaredInput => {
    const [name, type, spec] = [member(one, 'name'), member(one, 'type'), member(one, 'tensor-spec')]
    const [dtype, shape] = [member(spec, 'dtype'), member(spec, 'shape')]
    return {
      name: typeof name === 'string' ? name : null,
      kind: type === 'tensor' ? 'tensor' : 'column',
      text: type === 'string' || dtype === 'str' || dtype === 'object' || dtype === 'string',
      shape: Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size)) ? (shape as number[]) : null,
    }
  })
}

/** Throws SX_SIGNATURE_MISMATCH where the file cannot be called as its signature says. Of outputs a signature may name some. */
export function checkDeclared(declared: readonly DeclaredInput[], inputs: readonly TensorInfo[]): void {
  const only = inputs.length === 1 ? inputs[0]! : null
  if (declared.every(({ kind }) => kind === 'column')) {
    const width = only?.shape[1] ?? -1
    if (only !== null && only.shape.length === 2) {
      if (width >= 0 && width !== declared.length)
        throw mismatch(
          `its signature has ${declared.length} columns, and the input '${only.name}' of the file ${width}`,
        )
      return
    }
    for (const { name } of inputs)
      if (!declared.some((column) => column.name === name))
        throw mismatch(`the file has an input '${name}', and its signature no column of that name`)
    return
  }
  if (declared.length !== inputs.length)
    throw mismatch(`its signature has ${declared.length} inputs, and the file ${inputs.length}`)
  for (const one of declared) {
    const input = one.name === null ? only : (inputs.find(({ name }) => name === one.name) ?? null)
    if (input === null)
      throw mismatch(`its signature has an input '${one.name ?? 'without a name'}', and the file none`)
    if (one.text !== (input.type === 'string'))
      throw mismatch(`its signature and the file disagree on whether '${input.name}' is text`)
    if (one.shape !== null && input.shape.length > 0 && !fits(one.shape, input.shape))
      throw mismatch(
        `its signature has [${one.shape.join(', ')}] for '${input.name}', and the file [${input.shape.join(', ')}]`,
      )
  }
}

const fits = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size < 0 || b[i]! < 0 || size === b[i])

const mismatch = (why: string): SixfoldError =>
  new SixfoldError('SX_SIGNATURE_MISMATCH', `The model's MLmodel does not fit its ONNX file: ${why}.`, {
    fix: 'Log the model with the signature of what was exported: infer_signature(X, predictions).',
  })

/** The lines of a requirements.txt that name packages. */
export const packagesIn = (requirements: string): readonly string[] =>
  requirements
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('-'))

/** What an MLflow model says of its dependencies. */
export const dependenciesIn = (
  { language }: Pick<MlModel, 'language'>,
  requirements: string | null,
): Facts['dependencies'] => ({
  opset: null,
  ir: null,
  domains: {},
  runtime: null,
  packages: requirements === null ? [] : packagesIn(requirements),
  language,
})

const member = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null && !Array.isArray(of) && Object.hasOwn(of, name)
    ? ((of as { readonly [name: string]: unknown })[name] ?? null)
    : null

const invalid = (why: string): SixfoldError =>
  new SixfoldError('SX_ARTIFACT_INVALID', `The file 'MLmodel' cannot be read: ${why}.`, {
    fix: 'Save the model again with its own library.',
  })
