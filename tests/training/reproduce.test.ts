/** A version made again: what is at hand and what is missing, and whether the same comes of it. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Ingredient, ReproductionOptions } from '../../src/training/index.ts'
import { dataTags, reproduce, train } from '../../src/training/index.ts'
import { linearModel } from '../cli/onnx.ts'
import { optionsFor, shell, watching } from './options.ts'
import type { Place } from './place.ts'
import { labelRows, place } from './place.ts'

let project: Place
beforeEach(async () => {
  project = await place()
})
afterEach(() => project.dispose())

const copying = { command: shell('cp models/eta.onnx "$SIXFOLD_OUTPUT"'), seeds: { seed: 1 } }
const again = (options: ReproductionOptions, which = '1', check = false) =>
  reproduce('eta', which, check, options, watching())
const stateOf = (ingredients: readonly Ingredient[], name: Ingredient['name']): string => {
  const { state, words } = ingredients.find((one) => one.name === name)!
  return `${state}: ${words}`
}

/** The rows of the first run are no longer kept. */
async function loseRows({ tracking, artifacts, registry }: ReproductionOptions): Promise<void> {
  const run = (await tracking.run((await registry.version('eta', '1')).run!))!
  for (const set of ['data', 'heldout'] as const) await artifacts.delete(run.tags[dataTags(set).artifact]!)
}

test('the same bytes come of the same command', async () => {
  const options = optionsFor(await project.open(copying))
  const { run } = await train('eta', 'registered', options, watching())
  const { ingredients, result, ok } = await again(options)
  expect(ok).toBe(true)
  expect(result).toMatchObject({ outcome: 'identical', registered: [] })
  expect(result!.run).not.toBe(run)
  expect(stateOf(ingredients, 'code')).toContain('checked out here')
  const { tags, status, inputs } = (await options.tracking.run(result!.run))!
  const before = (await options.tracking.run(run))!
  expect(status).toBe('FINISHED')
  expect(tags).toMatchObject({ 'sixfold.reproduces': 'eta/1', 'sixfold.data.hash': before.tags['sixfold.data.hash'] })
  expect(inputs.datasets.map(({ dataset }) => dataset)).toEqual(
    before.inputs.datasets.map(({ dataset }) => ({ ...dataset, source: expect.any(String) })),
  )
  expect(await options.store.versions('eta')).toHaveLength(1)
})

test('it is only said whether it can be done, and nothing is run', async () => {
  const options = optionsFor(await project.open(copying))
  await train('eta', 'registered', options, watching())
  expect(await again(options, '1', true)).toMatchObject({ ok: true, result: null })
  const { items } = await options.tracking.searchRuns(['1'], { where: [], order: [], limit: 10, offset: 0 }, 'all')
  expect(items).toHaveLength(1)
})

test.each([
  ['the same outputs', 3.000001, 'same outputs', true],
  ['another model', 4, 'differs', false],
])('a command that depends on more than its data gives %s', async (_, bias, outcome, ok) => {
  // The file is ignored by git: it is what a seed that was not given would be.
  await project.write('.gitignore', '.sixfold\n*.parquet\nchance\n')
  project.git('commit', '-aqm', 'ignored')
  await project.write('chance/eta.onnx', linearModel('minutes', [1, 2], 3))
  const options = optionsFor(await project.open({ command: shell('cp chance/eta.onnx "$SIXFOLD_OUTPUT"') }))
  await train('eta', 'registered', options, watching())
  await project.write('chance/eta.onnx', linearModel('minutes', [1, 2], bias))
  const reproduced = await again(options)
  expect(reproduced).toMatchObject({ ok, result: { outcome, rows: labelRows * 0.2 + 1 } })
  expect(reproduced.result!.largest).toBeCloseTo(bias - 3, 4)
  expect(stateOf(reproduced.ingredients, 'seeds')).toContain('none was given')
})

test('rows that are not kept are made again, and count only where they are the same', async () => {
  const options = optionsFor(await project.open(copying))
  await train('eta', 'registered', options, watching())
  await loseRows(options)
  const same = await again(options)
  expect(stateOf(same.ingredients, 'data')).toBe('at hand: 191 rows are made again from history, and are the same')
  expect(same.result).toMatchObject({ outcome: 'identical' })
  // That run has them again; without them, another history.
  await loseRows(options)
  await project.data(1)
  await expect(again(options)).rejects.toMatchObject({
    code: 'SX_NOT_REPRODUCIBLE',
    message: expect.stringContaining('history gives others by now: 191 rows to train on, with other values'),
  })
  expect(await again(options, '1', true)).toMatchObject({ ok: false, result: null })
  await rm(project.path('labels.parquet'))
  await expect(again(options)).rejects.toMatchObject({ message: expect.stringContaining('cannot be made again') })
})

test('rows that are kept are used as they were, whatever history is now', async () => {
  const options = optionsFor(
    await project.open({
      command: shell('cp "$SIXFOLD_TRAINING_DATA" "$SIXFOLD_OUTPUT/"; cp models/eta.onnx "$SIXFOLD_OUTPUT"'),
    }),
  )
  const { run } = await train('eta', 'registered', options, watching())
  await project.data(1)
  const { result } = await again(options)
  const files = await Promise.all(
    [run, result!.run].map((id) => options.tracking.file(`1/${id}/artifacts/output/train.parquet`)),
  )
  expect(files[0]!.sha256).toBe(files[1]!.sha256)
})

test('code of another commit is checked out beside, and the place is left as it was', async () => {
  const options = optionsFor(await project.open(copying))
  await train('eta', 'registered', options, watching())
  await project.write('models/eta.onnx', linearModel('minutes', [5, 5], 5))
  project.git('commit', '-aqm', 'Another model')
  await project.write('models/eta.onnx', linearModel('minutes', [6, 6], 6))
  const { ingredients, result } = await again(options)
  expect(stateOf(ingredients, 'code')).toContain('to be checked out beside')
  expect(result).toMatchObject({ outcome: 'identical' })
  expect(project.git('worktree', 'list').split('\n')).toHaveLength(1)
  expect(project.git('status', '--porcelain')).toBe('M models/eta.onnx')
  expect(await readdir(join(project.folder, '.sixfold/tmp'))).toEqual([])
})

test('what is missing is named: code, run, commit', async () => {
  const options = optionsFor(await project.open(copying))
  await project.write('loose.txt', 'in no commit')
  await train('eta', 'registered', options, watching())
  await expect(again(options)).rejects.toMatchObject({
    code: 'SX_NOT_REPRODUCIBLE',
    message: expect.stringContaining('with changes that are in no commit'),
  })
  await rm(project.path('loose.txt'))
  await options.registry.add(
    'eta',
    project.path('models/eta.onnx'),
    { description: null, to: 'registered', facts: {}, golden: null },
    { actor: 'local:ana', reason: null },
  )
  await expect(again(options, 'latest')).rejects.toMatchObject({
    code: 'SX_NOT_REPRODUCIBLE',
    message: expect.stringContaining('run: it was registered without a run'),
  })
  project.git('commit', '-q', '--allow-empty', '-m', 'Lost')
  await train('eta', 'registered', options, watching())
  project.git('reset', '-q', '--hard', 'HEAD~1')
  project.git('reflog', 'expire', '--expire=now', '--all')
  project.git('gc', '-q', '--prune=now')
  await expect(again(options, 'latest')).rejects.toMatchObject({
    message: expect.stringContaining('is not in this repository'),
  })
  await expect(again(options, '99')).rejects.toMatchObject({ code: 'SX_UNKNOWN_VERSION' })
})

test('packages are compared with those that were there', async () => {
  const options = optionsFor(
    await project.open({
      command: ['python3', '-c', 'import os, shutil; shutil.copy("models/eta.onnx", os.environ["SIXFOLD_OUTPUT"])'],
    }),
  )
  await train('eta', 'registered', options, watching())
  const version = await options.registry.version('eta', '1')
  expect(version.facts.dependencies?.language).toMatch(/^python 3\./)
  const { ingredients, result } = await again(options)
  expect(result).toMatchObject({ outcome: 'identical' })
  expect(stateOf(ingredients, 'packages')).toMatch(/^at hand: python 3\.\S+, \d+ packages as they were$/)
})
