/** What may run code is not loaded unless its user says so: told by what is in a file, whatever it is called. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { mlflowPython } from '../../scripts/installed.mjs'
import { convert } from '../../src/runtime/convert.ts'
import { describeWith } from '../services/index.ts'
import { likely } from './definitions.ts'

describeWith(['mlflow'], 'what may run code', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-trust-test-'))
  const marker = join(folder, 'it ran')
  beforeAll(() => {
    mkdirSync(join(folder, 'out'))
    execFileSync(mlflowPython, [join(import.meta.dirname, 'hostile.py'), folder, marker])
  })
  afterEach(() => rmSync(marker, { force: true }))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const refused = (file: string, trust: boolean, framework: string | null = null): Promise<string> =>
    convert(likely, {
      ...{ path: join(folder, file), python: mlflowPython, framework, sample: null, trust },
      ...{ folder: join(folder, 'out'), patienceMs: 60_000 },
    }).then(
      () => 'converted',
      ({ code, message, fix }: { code: string; message: string; fix: string }) => `${code}: ${message} ${fix}`,
    )

  test.each([
    ...[
      'pickle.pkl',
      'pickle.joblib',
      'pickle.json',
      'pickle.txt',
      'pickle.onnx',
      'pickle.cbm',
      'pickle.pth',
      'pickle',
    ],
    ...['text.pkl', 'text.json', 'text.txt', 'text.onnx', 'gzip.txt', 'zlib.txt', 'bz2.txt', 'xz.txt', 'mlflow'],
  ])('%s is a pickle', async (file) => {
    expect(await refused(file, false)).toMatch(/^SX_IMPORT_UNTRUSTED: '.+' is a pickle: .*whatever functions.* --trust/)
    expect(existsSync(marker)).toBe(false)
  })

  test.each([
    ['script.pt', 'TorchScript'],
    ['program.pt2', 'torch.export'],
    ['module.pt', 'a pickle in it'],
    ['module.json', 'a pickle in it'],
    ['inside.txt', 'a pickle in it'],
    ['layers.keras', 'an archive of Keras'],
    ['layers.onnx', 'an archive of Keras'],
    ['layers.h5', 'HDF5'],
    ['saved', 'a SavedModel'],
    ['model.skops', 'skops'],
  ])('%s is %s, a program', async (file, words) => {
    const said = await refused(file, false)
    expect(said).toMatch(/^SX_IMPORT_UNTRUSTED: .+ --trust/)
    expect(said).toContain(join(folder, file))
    expect(said).toContain(words)
    expect(existsSync(marker)).toBe(false)
  })

  test.each([
    ['pickle.txt', 'lightgbm', /^SX_IMPORT_UNTRUSTED/],
    ['text.json', 'xgboost', /^SX_IMPORT_UNTRUSTED/],
    ['pickle.cbm', 'catboost', /^SX_IMPORT_UNTRUSTED/],
    ['pickle.onnx', 'onnx', /^SX_IMPORT_INVALID.* is a pickle, which onnx does not load/],
    ['layers.keras', 'lightgbm', /^SX_IMPORT_INVALID.* is an archive of Keras, which lightgbm does not load/],
    ['tail.txt', null, /^SX_IMPORT_INVALID: Loading it failed/],
    ['tail.onnx', null, /^SX_IMPORT_INVALID: Loading it failed/],
    ['tail.txt', 'onnx', /^SX_IMPORT_INVALID.*LightGBM/],
    ['outside.onnx', null, /^SX_IMPORT_INVALID.*weights in other files/],
    ['deeper.onnx', null, /^SX_IMPORT_INVALID.*weights in other files/],
    ['none.zip', null, /^SX_IMPORT_INVALID.*'readme'/],
    ['mlflow-text', null, /^SX_IMPORT_INVALID: Loading it failed/],
    ['mlflow-yaml', null, /^SX_IMPORT_INVALID.*no file that is known/],
    ['mlflow-out', null, /^SX_IMPORT_INVALID.*does not lie in it/],
    ['mlflow-else', null, /^SX_IMPORT_INVALID.*no file that is known/],
    ['pickle.pkl', 'fortran', /^SX_IMPORT_INVALID.*'fortran'.*sklearn, lightgbm/],
  ])('%s as %s runs nothing', async (file, framework, words) => {
    expect(await refused(file, false, framework)).toMatch(words)
    expect(existsSync(marker)).toBe(false)
  })

  test.each(['pickle.txt', 'gzip.txt', 'text.json', 'mlflow'])('%s runs where it is trusted', async (file) => {
    expect(await refused(file, true)).toMatch(/^SX_IMPORT_INVALID.*predicts nothing/)
    expect(existsSync(marker)).toBe(true)
  })
})
