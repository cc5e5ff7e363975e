/** train, reproduce and lineage as a user calls them: what they say, being interrupted, being killed, and a server beside. */
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mlflowPython } from '../../scripts/installed.mjs'
import type { Lineage } from '../../src/api/index.ts'
import type { Reproduction, Trained } from '../../src/training/index.ts'
import type { Project } from '../cli/project.ts'
import { platformText, project } from '../cli/project.ts'
import { describeWith } from '../services/index.ts'
import { isAlive } from './place.ts'

const definitions = (recipe: string): string =>
  platformText
    .replace('source, view }', 'source, training, view }')
    .replace(
      'platform({',
      `platform({ recipe: training(eta, { labels: parquet('labels.parquet'), at: 'asked', ${recipe} }),`,
    )

let p: Project
beforeEach(async () => {
  p = await project(definitions("command: ['sh', 'train.sh'], seeds: { seed: 7 }"))
  await p.history(100)
  await p.sql(
    `COPY (SELECT CASE WHEN n % 2 = 0 THEN 'ann' ELSE 'bob' END AS courier, n % 7 AS km, 20.0 + n % 5 + (n % 7) * 2 AS minutes,
       TIMESTAMPTZ '2024-01-02' + INTERVAL (n) MINUTE AS asked FROM range(1000) t(n)) TO '${p.path('labels.parquet')}' (FORMAT parquet)`,
  )
}, 60_000)
afterEach(() => p.dispose())

const json = <T>({ out }: { readonly out: string }): T => JSON.parse(out) as T
/** The runs of the experiment, by the same store as the program's. */
async function statuses(): Promise<readonly string[]> {
  const server = p.start('--json', 'serve')
  const [, url] = await server.says(/"url":"([^"]+)"/)
  const answer = await fetch(`${url}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_ids: ['1'], order_by: ['attributes.start_time ASC'], max_results: 100 }),
  })
  const { runs } = (await answer.json()) as { readonly runs: readonly { readonly info: { readonly status: string } }[] }
  await server.end()
  return runs.map(({ info }) => info.status)
}

describe('a command that writes an ONNX file', () => {
  test('trains, says what came of it, and is told where it comes from', async () => {
    await p.write('train.sh', 'echo with $SIXFOLD_SEED; cp eta.onnx "$SIXFOLD_OUTPUT"')
    const trained = await p.run('train', 'eta')
    expect(trained.code, trained.err).toBe(0)
    expect(trained.err).toContain('with 7\n')
    expect(trained.out).toContain('eta version 1: registered\n')
    expect(trained.out).toMatch(/trained on 79\d rows, 2024-01-02T00:00:00\.000Z to /)
    expect(trained.out).toContain('in no git repository')
    const silent = await p.run('train', 'eta', '--until', 'validated', '--json')
    expect([silent.code, silent.err]).toEqual([0, ''])
    const told = json<Trained>(silent)
    expect(told).toMatchObject({
      ok: true,
      versions: [{ version: 2, stage: 'validated', byCommand: false, stopped: null }],
    })

    // What the version says of its rows can be run as it stands, and gives them again.
    const words = [...told.sets.data.query.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
    expect((await p.run(...words.slice(1))).code).toBe(0)
    const [[rows]] = (await p.sql(`SELECT count(*) FROM 'train.parquet'`)) as [[string]]
    expect(Number(rows)).toBe(told.sets.data.rows)

    const lineage = json<Lineage>(await p.run('lineage', 'version', 'eta', '2', '--json'))
    expect(lineage.nodes).toContainEqual(
      expect.objectContaining({ kind: 'run', facts: expect.arrayContaining([{ name: 'id', value: told.run }]) }),
    )
    const tree = await p.run('lineage', 'column', 'deliveries.minutes')
    expect(tree.out).toContain('column deliveries.minutes\n└─ feature pace.mean_ever\n')
    const check = await p.run('reproduce', 'eta@2', '--check', '--json')
    expect(check.code).toBe(1)
    expect(json<Reproduction>(check).ingredients).toContainEqual(
      expect.objectContaining({
        name: 'code',
        state: 'missing',
        words: expect.stringContaining('no commit was recorded'),
      }),
    )
  }, 120_000)

  test('what cannot be asked for', async () => {
    for (const [args, code, message] of [
      [['train', 'eat'], 4, "Did you mean 'eta'?"],
      [['train', 'eta', '--until', 'prod'], 2, 'is no stage'],
      [['train', 'eta', '--url', 'ftp://x'], 2, '--url'],
      [['train', 'eta', '--url', 'http://127.0.0.1:1'], 1, 'No server'],
      [['reproduce', 'eta'], 2, 'Which version'],
      [['reproduce', 'eta', '7'], 4, 'eta'],
      [['lineage', 'column', 'minutes'], 2, 'SOURCE.COLUMN'],
      [['lineage', 'version', 'eta', 'x'], 2, 'no number'],
      [['lineage', 'prediction', 'nothing'], 4, 'nothing'],
    ] as const) {
      const ran = await p.run(...args)
      expect([args, ran.code, ran.err]).toEqual([args, code, expect.stringContaining(message)])
    }
    await p.write('train.sh', 'echo the reason; exit 3')
    const failed = await p.run('train', 'eta', '--json')
    expect(failed.code).toBe(1)
    expect(json<{ error: { code: string; details: { said: string } } }>(failed).error).toMatchObject({
      code: 'SX_TRAINING_FAILED',
      details: { said: 'the reason', exit: 3 },
    })
  }, 120_000)

  test('interrupted, it ends the command and says that the run was killed', async () => {
    await p.write('train.sh', 'echo $$ > pid; echo begun; sleep 600')
    const started = p.start('train', 'eta')
    await started.says(/begun/)
    const pid = Number(await readFile(p.path('pid'), 'utf8'))
    const ended = await started.end('SIGINT')
    expect(ended.code).toBe(1)
    expect(ended.err).toContain('was told to end')
    expect(isAlive(pid)).toBe(false)
    expect(await statuses()).toEqual(['KILLED'])
  }, 60_000)

  test('killed, it leaves a run that the next one ends, with what the command left running', async () => {
    await p.write('train.sh', 'echo $$ > pid; echo begun; sleep 600')
    const started = p.start('train', 'eta')
    await started.says(/begun/)
    const pid = Number(await readFile(p.path('pid'), 'utf8'))
    await started.end('SIGKILL')
    expect(isAlive(pid)).toBe(true)
    await p.write('train.sh', 'cp eta.onnx "$SIXFOLD_OUTPUT"')
    const next = await p.run('train', 'eta', '--json')
    expect(json<Trained>(next).versions).toMatchObject([{ version: 1 }])
    expect(isAlive(pid)).toBe(false)
    expect(await statuses()).toEqual(['KILLED', 'FINISHED'])
  }, 60_000)
})

describeWith(['mlflow'], 'a script of MLflow that knows nothing of Sixfold', () => {
  const script = `
import os, sys
import mlflow, mlflow.onnx
import numpy as np, pyarrow.parquet as pq
from sklearn.linear_model import LinearRegression
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType

table = pq.read_table(os.environ["SIXFOLD_TRAINING_DATA"])
x = np.column_stack([table["vector__mean_ever"], table["vector__km"]]).astype(np.float32)
with mlflow.start_run() as run:
    mlflow.log_param("fit_intercept", True)
    fitted = LinearRegression().fit(x, np.array(table["minutes"]))
    mlflow.log_metric("r2", float(fitted.score(x, np.array(table["minutes"]))))
    onnx = convert_sklearn(fitted, initial_types=[("x", FloatTensorType([None, 2]))], target_opset=15)
    mlflow.onnx.log_model(onnx, name="model", **({"registered_model_name": sys.argv[1]} if len(sys.argv) > 1 else {}))
`
  beforeEach(async () => {
    await p.write('train.py', script)
  })
  const recipe = (...args: readonly string[]): Promise<void> =>
    p.write(
      'platform.ts',
      definitions(`command: ${JSON.stringify([mlflowPython, 'train.py', ...args])}, seeds: { seed: 7 }`),
    )

  test('its run is the one that was begun for it, and its version has the facts of that', async () => {
    await recipe('eta')
    const ran = await p.run('train', 'eta', '--json')
    expect(ran.code, ran.out + ran.err).toBe(0)
    const trained = json<Trained>(ran)
    expect(trained).toMatchObject({
      parameters: 1,
      metrics: [{ key: 'r2' }],
      versions: [{ version: 1, byCommand: true }],
    })
    expect(await statuses()).toEqual(['FINISHED'])
    const { version } = json<{ version: { run: string; facts: Record<string, object>; source: string } }>(
      await p.run('model', 'show', 'eta', '1', '--json'),
    )
    expect(version).toMatchObject({
      run: trained.run,
      source: expect.stringMatching(/^models:\/m-/),
      facts: {
        data: { hash: trained.sets.data.hash, rows: trained.sets.data.rows, pointer: 'labels.parquet' },
        configuration: { parameters: { fit_intercept: 'True' }, seeds: { seed: '7' }, command: trained.command },
      },
    })
  }, 120_000)

  test('a model that it logs and does not register is registered for it', async () => {
    await recipe()
    const ran = await p.run('train', 'eta', '--json')
    expect(ran.code, ran.out + ran.err).toBe(0)
    const trained = json<Trained>(ran)
    expect(trained.versions).toMatchObject([{ model: 'eta', version: 1, byCommand: false }])
    const { version } = json<{ version: object }>(await p.run('model', 'show', 'eta', '1', '--json'))
    expect(version).toMatchObject({ entry: 'model.onnx', loggedModel: expect.stringMatching(/^m-/), run: trained.run })
  }, 120_000)

  test('it logs to a server of the project that runs, and to the one named', async () => {
    await recipe('eta')
    const server = p.start('--json', 'serve')
    const [, url] = await server.says(/"url":"([^"]+)"/)
    for (const where of [[], ['--url', url!]]) {
      const ran = await p.run('train', 'eta', ...where)
      expect(ran.code, ran.err).toBe(0)
      expect(ran.err).toContain(`${url}/#/experiments/1`)
    }
    await server.end()
  }, 120_000)

  test('trained again in its repository, other bytes answer the same', async () => {
    await recipe()
    const { execFileSync } = await import('node:child_process')
    const git = (...args: readonly string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], { cwd: p.folder })
    await p.write('.gitignore', 'node_modules\n*.parquet\n.sixfold\n')
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'The project')
    expect((await p.run('train', 'eta')).code).toBe(0)
    const again = await p.run('reproduce', 'eta', '1', '--json')
    expect(again.code, again.out + again.err).toBe(0)
    const { result, ingredients } = json<Reproduction>(again)
    expect(['identical', 'same outputs']).toContain(result!.outcome)
    expect(ingredients.filter(({ state }) => state !== 'at hand')).toEqual([])
  }, 180_000)
})
