/** Models of other frameworks, saved by these, converted by a real Python, and held to what the frameworks answer. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mlflowPython } from '../../scripts/installed.mjs'
import { platform } from '../../src/index.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { describeWith } from '../services/index.ts'
import { amount, likely, mixed, pair, which, whole, wide } from './definitions.ts'
import { importing } from './importing.ts'

describeWith(['mlflow'], 'a model of another framework', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-import-test-'))
  let opened: Opened
  beforeAll(async () => {
    execFileSync(mlflowPython, [join(import.meta.dirname, 'models.py'), folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    opened = await open(platform({ likely, amount, which, mixed, wide, pair, whole }), {
      project: folder,
      data: join(folder, 'data'),
    })
  })
  afterAll(async () => {
    await opened.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const run = importing(() => opened, folder, mlflowPython)
  const refused = (name: string, file: string, options: object = {}) =>
    run(name, file, options).then(
      () => 'imported',
      ({ code, message, fix }: { code: string; message: string; fix: string | null }) =>
        `${code}: ${message} ${fix ?? ''}`,
    )

  test.each([
    // Rows in which numbers are missing, and infinite, which is the same.
    ['likely', 'binary.txt', { sample: join(folder, 'gaps.csv') }, 'lightgbm', ['p']],
    ['likely', 'scaled.joblib', { trust: true }, 'sklearn', ['p']],
    ['likely', 'zipmap.onnx', {}, 'onnx', ['p']],
    ['amount', 'number.txt', {}, 'lightgbm', ['y']],
    ['amount', 'boosted.pkl', { trust: true }, 'sklearn', ['y']],
    ['which', 'three.joblib', { trust: true }, 'sklearn', ['verdict', 'shares']],
    ['which', 'named.joblib', { trust: true }, 'sklearn', ['verdict', 'shares']],
    ['which', 'lightgbm-named.joblib', { trust: true }, 'lightgbm', ['verdict', 'shares']],
    ['pair', 'pair.joblib', { trust: true }, 'sklearn', ['both']],
    ['whole', 'whole.joblib', { trust: true }, 'sklearn', ['y']],
  ])('%s of %s is in production, and answers as it did', async (name, file, options, framework, outputs) => {
    const imported = await run(name, file, options)
    expect(imported).toMatchObject({ ok: true, stage: 'production', from: { framework, outputs } })
    expect(imported.parity).toMatch(/^It answers 512 rows of golden.json as recorded/)
    const [newest] = (await opened.registry.model(name)).list
    const { facts } = await opened.registry.version(name, String(newest!.version))
    expect(facts.configuration?.parameters).toMatchObject({ 'import.framework': framework, 'import.file': file })
    expect(facts.dependencies?.packages).toEqual(imported.from.packages)
  })

  test('texts beside numbers, on rows of the user', async () => {
    expect(await refused('mixed', 'mixed.joblib', { trust: true })).toContain('--sample')
    const imported = await run('mixed', 'mixed.joblib', { trust: true, sample: join(folder, 'mixed.csv') })
    expect(imported).toMatchObject({ ok: true, stage: 'production' })
    expect(imported.parity).toContain('as recorded')
  })

  test('what cannot be is said, and no version is left', async () => {
    const before = (await opened.registry.model('likely')).list.length
    expect(await refused('likely', 'scaled.joblib')).toMatch(/^SX_IMPORT_UNTRUSTED.*--trust/)
    expect(await refused('likely', 'nothing.joblib', { trust: true })).toMatch(/^SX_IMPORT_INVALID.*predicts nothing/)
    expect(await refused('wide', 'binary.txt')).toMatch(/^SX_SIGNATURE_MISMATCH.*3 columns.*2 entries/)
    expect(await refused('likely', 'absent.txt')).toMatch(/^SX_IMPORT_INVALID/)
    expect(await refused('likely', 'rows.json')).toMatch(/^SX_IMPORT_PYTHON.*no xgboost.*pip install xgboost/)
    expect(await refused('likely', 'rows.json', { framework: 'lightbgm' })).toMatch(/^SX_IMPORT_INVALID.*lightbgm/)
    expect(await refused('likely', 'binary.txt', { python: join(folder, 'no-python') })).toMatch(/^SX_IMPORT_PYTHON/)
    expect(await refused('likely', 'binary.txt', { python: '/bin/true' })).toMatch(/^SX_IMPORT_PYTHON.*said nothing/)
    writeFileSync(join(folder, 'broken.txt'), 'tree\nversion=v4\n')
    expect(await refused('likely', 'broken.txt')).toMatch(/^SX_IMPORT_INVALID/)
    expect((await opened.registry.model('likely')).list.length).toBe(before)
  })
  test.each([
    ['amount', 'pair.joblib', /^SX_SIGNATURE_MISMATCH: To a row the model answers 2 numbers, .* 'y', a number/],
    ['which', 'another.joblib', /^SX_SIGNATURE_MISMATCH: The model answers the class 'huge'.*low, middle, high/],
    ['which', 'questions.joblib', /^SX_IMPORT_INVALID: The classifier answers 2 questions at once/],
    ['amount', 'nan.joblib', /^SX_IMPORT_INVALID: The model answers NaN or infinity to all of 512 rows/],
    ['likely', 'empty.txt', /^SX_IMPORT_INVALID: '.*empty\.txt' is empty/],
    ['likely', 'huge.txt', /^SX_IMPORT_INVALID: '.*huge\.txt' is no file of a model that is known/],
    ['likely', 'none', /^SX_IMPORT_INVALID: '.*none' is a folder, and neither a SavedModel nor/],
    ['likely', '../../../../../../../../proc/self/mem', /^SX_IMPORT_INVALID: '.*mem' cannot be read/],
    ['likely', 'leaves.joblib', /^SX_IMPORT_INVALID: Loading it failed: SystemExit/],
  ])('%s of %s is refused', async (name, file, words) => {
    expect(await refused(name, file, { trust: true })).toMatch(words)
  })

  test('rows to which the framework answers no number are left out, and counted', async () => {
    const { ok, parity, from } = await run('amount', 'steep.joblib', { trust: true })
    expect(from.unanswered).toBeGreaterThan(50)
    expect(from.rows + from.unanswered).toBe(512)
    expect(parity).toContain(`It answers ${from.rows} rows of golden.json as recorded`)
    expect(ok).toBe(true)
  })

  test.each([
    ['texts.csv', /^SX_LABELS_INVALID.*'b'.*no float64/],
    ['fewer.csv', /^SX_LABELS_INVALID.*no column 'b'/],
    ['none.csv', /^SX_LABELS_INVALID.*no rows/],
    ['holes.csv', /^SX_LABELS_INVALID.*lacks some values of 'c'/],
    ['broken.parquet', /^SX_LABELS_INVALID.*cannot be read/],
    ['absent.csv', /^SX_LABELS_INVALID.*cannot be read/],
  ])('rows of %s are refused', async (sample, words) => {
    expect(await refused('mixed', 'mixed.joblib', { trust: true, sample: join(folder, sample) })).toMatch(words)
  })
})
