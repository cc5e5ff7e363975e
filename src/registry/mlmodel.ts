/**
 * The `MLmodel` file that MLflow's clients write beside a model: which flavour it has, which file is its ONNX form, and of what packages it is
 * made. It comes from whoever sent it: what is not as expected is not there.
 */
import { parse } from 'yaml'
import { SixfoldError } from '../kernel/errors.ts'
import type { Facts } from '../ports/registry-store.ts'

export interface MlModel {
  /** 'onnx' where it has that flavour; else its own, as its client names it. */
  readonly flavor: string | null
  /** The path of the ONNX file within the folder. */
  readonly entry: string | null
  readonly language: string | null
}

const longest = 1024 * 1024

/** Throws SX_ARTIFACT_INVALID where it is no YAML. */
export function readMlModel(text: string): MlModel {
  if (text.length > longest) throw invalid(`it has ${text.length} characters`)
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 20 })
  } catch (error) {
    throw invalid(error instanceof Error ? error.message.split('\n')[0]! : 'it is no YAML')
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
  }
}

/** The lines of a requirements.txt that name packages. */
export const packagesIn = (requirements: string): readonly string[] =>
  requirements
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('-'))

/** What an MLflow model says of its dependencies. */
export const dependenciesIn = ({ language }: MlModel, requirements: string | null): Facts['dependencies'] => ({
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
