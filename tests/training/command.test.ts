/** Training by a command that knows nothing of MLflow: what it is given, what becomes of what it leaves, and of it when it does not end well. */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ReproductionOptions } from '../../src/training/index.ts'
import { factsOfRun, train, withinTraining } from '../../src/training/index.ts'
import { versionsOf } from '../../src/training/produced.ts'
import { optionsFor, shell, watching } from './options.ts'
import type { Place } from './place.ts'
import { hour, isAlive, labelRows, place, start } from './place.ts'

let project: Place
beforeAll(async () => {
  project = await place()
})
afterAll(() => project.dispose())

/** How many versions there are. */
const versionsNow = async ({ store }: ReproductionOptions): Promise<number> => (await store.versions('eta')).length

test('a command that writes an ONNX file makes a version that knows all it was made of', async () => {
  const opened = await project.open({
    command: shell(
      'env | grep -E "SIXFOLD|MLFLOW" > "$SIXFOLD_OUTPUT/env.txt"; cp models/eta.onnx "$SIXFOLD_OUTPUT/eta.onnx"; echo said; echo warned >&2',
    ),
    seeds: { seed: 7, numpy: 11 },
    environment: { FLAVOUR: 'vanilla' },
  })
  const options = optionsFor(opened)
  const seen = watching()
  const trained = await train('eta', 'registered', options, seen)
  expect(seen.written.sort()).toEqual(['said\n', 'warned\n'])
  expect(trained).toMatchObject({
    model: 'eta',
    commit: project.git('rev-parse', 'HEAD'),
    dirty: false,
    versions: [{ model: 'eta', version: 1, byCommand: false, stage: 'registered', stopped: null }],
    ok: true,
  })
  // The newest fifth is held out.
  expect(trained.sets.data).toMatchObject({ rows: labelRows * 0.8 - 1, from: start })
  expect(trained.sets.heldout).toMatchObject({ rows: labelRows * 0.2 + 1, to: start + (labelRows - 1) * hour })
  expect(trained.sets.heldout.from).toBe(trained.sets.data.to! + hour)

  const { tracking, artifacts } = options
  const run = (await tracking.run(trained.run))!
  expect(run).toMatchObject({ status: 'FINISHED', user: 'ana', experiment: trained.experiment.id })
  expect(run.tags).toMatchObject({
    'sixfold.data.hash': trained.sets.data.hash,
    'sixfold.heldout.rows': String(trained.sets.heldout.rows),
    'sixfold.exit': '0',
    'sixfold.seeds': '{"seed":"7","numpy":"11"}',
    'sixfold.dirty': 'false',
  })
  expect(run.inputs.datasets.map(({ dataset }) => dataset.name).sort()).toEqual(['eta-heldout', 'eta-train'])
  const folder = `${run.experiment}/${run.id}/artifacts/`
  const files = new Map(
    (await tracking.files(folder.slice(0, -1), 100)).map((file) => [file.path.slice(folder.length), file]),
  )
  expect([...files.keys()].sort()).toEqual([
    'output/env.txt',
    'output/eta.onnx',
    'sixfold/command.log',
    'sixfold/heldout.parquet',
    'sixfold/train.parquet',
  ])
  const read = async (path: string): Promise<string> => readFile(await artifacts.open(files.get(path)!.sha256), 'utf8')
  expect((await read('sixfold/command.log')).split('\n').sort()).toEqual(['', 'said', 'warned'])
  const variables = Object.fromEntries(
    (await read('output/env.txt'))
      .trim()
      .split('\n')
      .map((line) => line.split('=')),
  )
  expect(variables).toMatchObject({
    SIXFOLD_MODEL: 'eta',
    SIXFOLD_RUN_ID: run.id,
    SIXFOLD_SEED: '7',
    SIXFOLD_SEED_SEED: '7',
    SIXFOLD_SEED_NUMPY: '11',
    MLFLOW_RUN_ID: run.id,
    MLFLOW_EXPERIMENT_ID: run.experiment,
    MLFLOW_EXPERIMENT_NAME: 'eta',
    MLFLOW_TRACKING_URI: 'http://127.0.0.1:1',
  })
  expect(variables['SIXFOLD_TRAINING_DATA']).toMatch(/train\.parquet$/)
  expect(existsSync(variables['SIXFOLD_TRAINING_DATA']!)).toBe(false)
  const version = await options.registry.version('eta', '1')
  expect(version.facts).toMatchObject({
    data: { hash: trained.sets.data.hash, rows: trained.sets.data.rows, from: start, pointer: 'labels.parquet' },
    configuration: {
      seeds: { seed: '7', numpy: '11' },
      command: trained.command,
      commit: trained.commit,
      dirty: false,
    },
  })
  expect(version.files.map(({ path }) => path).sort()).toEqual(['env.txt', 'eta.onnx'])
  expect(version.entry).toBe('eta.onnx')
})

test('the same rows have the same hash the next time; code that is not committed is said to be', async () => {
  const opened = await project.open({ command: shell('cp models/eta.onnx "$SIXFOLD_OUTPUT"') })
  const options = optionsFor(opened)
  const first = await train('eta', 'registered', options, watching())
  await project.write('notes.txt', 'not committed')
  const second = await train('eta', 'registered', options, watching())
  expect(second.sets).toEqual(first.sets)
  expect([first.dirty, second.dirty]).toEqual([false, true])
  expect(second.versions[0]!.version).toBe(first.versions[0]!.version + 1)
})

test.each([
  ['ends with an error', 'echo before; exit 3', 'ended with 3', 'FAILED'],
  ['is killed', 'kill -9 $$', 'was ended by SIGKILL', 'FAILED'],
  ['leaves nothing', 'true', 'left no model', 'FINISHED'],
  [
    'leaves two',
    'cp models/eta.onnx $SIXFOLD_OUTPUT/a.onnx; cp models/eta.onnx $SIXFOLD_OUTPUT/b.onnx',
    'a.onnx, b.onnx',
    'FINISHED',
  ],
])('a command that %s makes no version, and its run is kept', async (_, script, message, status) => {
  const options = optionsFor(await project.open({ command: shell(script) }))
  const before = await versionsNow(options)
  const failing = train('eta', 'registered', options, watching())
  await expect(failing).rejects.toMatchObject({ code: 'SX_TRAINING_FAILED', message: expect.stringContaining(message) })
  expect(await versionsNow(options)).toBe(before)
  const { items } = await options.tracking.searchRuns(
    [(await options.tracking.experimentNamed('eta'))!.id],
    { where: [], order: [{ of: 'attribute', key: 'start_time', descending: true }], limit: 1, offset: 0 },
    'active',
  )
  expect(items[0]).toMatchObject({ status, endedAt: expect.any(Number) })
  expect(readdirSync(project.path('.sixfold/training'))).toEqual([])
})

test('a program that there is not, and labels that leave nothing to train on', async () => {
  await expect(
    train('eta', 'registered', optionsFor(await project.open({ command: ['no-such-program-at-all'] })), watching()),
  ).rejects.toMatchObject({ code: 'SX_TRAINING_FAILED', message: expect.stringContaining('no-such-program-at-all') })
  const late = await project.open({ command: shell('true'), heldOut: { from: '2030-01-01T00:00:00Z' } })
  await expect(train('eta', 'registered', optionsFor(late), watching())).rejects.toMatchObject({
    code: 'SX_LABELS_INVALID',
    message: expect.stringContaining('2030-01-01'),
  })
})

test('what is told to end takes with it whatever it started', async () => {
  const marker = project.path('.sixfold/pid')
  const options = optionsFor(
    await project.open({
      command: shell(
        `trap '' TERM; sh -c 'trap "" TERM; echo $$ > ${marker}; sleep 600' & echo begun; wait; sleep 600`,
      ),
    }),
  )
  const aborted = new AbortController()
  const seen = watching(aborted.signal)
  const training = train('eta', 'registered', options, {
    ...seen,
    output: (chunk) => {
      seen.written.push(Buffer.from(chunk).toString())
      setTimeout(() => aborted.abort(), 300)
    },
  })
  await expect(training).rejects.toMatchObject({
    code: 'SX_TRAINING_FAILED',
    message: expect.stringContaining('told to end'),
  })
  const pid = Number(await readFile(marker, 'utf8'))
  expect(isAlive(pid)).toBe(false)
  const { items } = await options.tracking.searchRuns(
    [(await options.tracking.experimentNamed('eta'))!.id],
    { where: [], order: [{ of: 'attribute', key: 'start_time', descending: true }], limit: 1, offset: 0 },
    'active',
  )
  expect(items[0]!.status).toBe('KILLED')
}, 60_000)

test('a flood of output is kept at both ends only, and the command waits for whoever reads it', async () => {
  const options = optionsFor(
    await project.open({
      command: [
        'node',
        '-e',
        `
        const line = 'x'.repeat(1023) + '\\n'
        const write = (n) => { while (n-- > 0) if (!process.stdout.write(line)) return process.stdout.once('drain', () => write(n)); process.stdout.write('the end\\n', () => { require('fs').copyFileSync('models/eta.onnx', process.env.SIXFOLD_OUTPUT + '/m.onnx') }) }
        process.stdout.write('the beginning\\n'); write(64 * 1024)`,
      ],
    }),
  )
  let bytes = 0
  const before = process.memoryUsage().rss
  let most = 0
  const trained = await train('eta', 'registered', options, {
    ...watching(),
    output: async (chunk) => {
      bytes += chunk.length
      most = Math.max(most, process.memoryUsage().rss)
    },
  })
  expect(bytes).toBeGreaterThan(64 * 1024 * 1024)
  expect(most - before).toBeLessThan(100 * 1024 * 1024)
  const log = await options.tracking.file(`${trained.experiment.id}/${trained.run}/artifacts/sixfold/command.log`)
  expect(log!.bytes).toBeLessThan(3 * 1024 * 1024)
  const kept = await readFile(await options.artifacts.open(log!.sha256), 'utf8')
  expect(kept.startsWith('the beginning\n')).toBe(true)
  expect(kept.endsWith('the end\n')).toBe(true)
  expect(kept).toMatch(/… 6\d\.\d MiB left out …/)
}, 60_000)

test('folders of trainings that are over are gone with the next one, and that of one under way stays', async () => {
  const options = optionsFor(await project.open({ command: shell('cp models/eta.onnx "$SIXFOLD_OUTPUT"; sleep 2') }))
  const trained = train('eta', 'registered', options, watching())
  const folder = project.path('.sixfold/training')
  await mkdir(join(folder, 'f'.repeat(32)), { recursive: true })
  const other = optionsFor(await project.open({ command: shell('cp models/eta.onnx "$SIXFOLD_OUTPUT"') }))
  await train('eta', 'registered', other, watching())
  expect(readdirSync(folder)).not.toContain('f'.repeat(32))
  await expect(trained).resolves.toMatchObject({ ok: true })
  expect(readdirSync(folder)).toEqual([])
})

test('a run within that of a training is of the same data and code, and its versions are those of the training', async () => {
  const options = optionsFor(await project.open({ command: shell('cp models/eta.onnx "$SIXFOLD_OUTPUT"') }))
  const trained = await train('eta', 'registered', options, watching())
  const { tracking, registry } = options
  const around = (await tracking.run(trained.run))!
  const within = await tracking.createRun({
    id: 'c'.repeat(32),
    experiment: around.experiment,
    name: 'one of many',
    user: 'ana',
    startedAt: around.startedAt,
    tags: { 'mlflow.parentRunId': around.id, 'sixfold.hardware': 'its own' },
  })
  const { data, configuration } = factsOfRun(await withinTraining(within, (id) => tracking.run(id)))
  expect(data).toEqual(factsOfRun(around).data)
  expect(configuration).toMatchObject({ command: trained.command, hardware: 'its own' })
  const loose = { ...within, tags: { 'mlflow.parentRunId': 'd'.repeat(32) } }
  expect(await withinTraining(loose, (id) => tracking.run(id))).toBe(loose)

  const first = await registry.version('eta', String(trained.versions[0]!.version))
  const { files, entry, flavor, facts, source, tags } = first
  const second = await registry.register(
    {
      ...{ model: 'eta', create: false, files, entry, flavor, facts, source, tags, run: within.id },
      ...{ runLink: null, loggedModel: null, description: null, unlessNewest: false },
    },
    { actor: 'local:ana', reason: null },
  )
  expect((await versionsOf(around, options)).map(({ version }) => version)).toEqual([first.version, second.version])
})
