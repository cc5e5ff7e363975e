/** MLflow's requests, and the answers of a real `mlflow models serve` with the same model beside ours. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Answer, Service } from '../http/service.ts'
import { deliver, service } from '../http/service.ts'
import { linear } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import type { Service as External } from '../services/index.ts'
import { describeWith, startMlflowModels } from '../services/index.ts'

const graph = linear([1, 2], 0.5)
const path = '/v1/models/eta/invocations'
let open: Service
beforeAll(async () => {
  open = await service({ limits: { requestRows: 100 } })
  await deliver(open)
  await open.add('eta', graph)
})
afterAll(() => open.close())

const ask = (body: unknown, type = 'application/json', at = path): Promise<Answer> =>
  open.post(at, body, { 'content-type': type })

const split = {
  columns: ['km', 'mean_1d'],
  data: [
    [2, 1],
    [4, 3],
  ],
}
const records = [
  { mean_1d: 1, km: 2 },
  { km: 4, mean_1d: 3 },
]
const scores = [{ score: 5.5 }, { score: 11.5 }]

test('tables by the names of the vector', async () => {
  expect((await ask({ dataframe_split: split })).json).toEqual({ predictions: scores })
  expect((await ask({ dataframe_records: records })).json).toEqual({ predictions: scores })
  expect((await ask('km,mean_1d\n2,1\n4,3\n', 'text/csv')).json).toEqual({ predictions: scores })
  expect((await ask('\ufeff"mean_1d","km"\r\n1,"2"\r\n3,4', 'text/csv; charset=utf-8')).json).toEqual({
    predictions: scores,
  })
})

test('tensors', async () => {
  const rows = [
    [1, 2],
    [3, 4],
  ]
  const answer = { predictions: { score: [[5.5], [11.5]] } }
  for (const body of [
    { inputs: rows },
    { instances: rows },
    { inputs: { x: rows } },
    { instances: rows.map((x) => ({ x })) },
  ])
    expect((await ask(body)).json).toEqual(answer)
})

test('names of keys and request fields ask the pipeline', async () => {
  for (const body of [
    {
      dataframe_split: {
        columns: ['courier', 'km'],
        data: [
          ['ann', 3],
          [null, 3],
        ],
      },
    },
    {
      dataframe_records: [
        { courier: 'ann', km: 3 },
        { courier: null, km: 3 },
      ],
    },
    {
      instances: [
        { courier: 'ann', km: 3 },
        { courier: null, km: 3 },
      ],
    },
    { inputs: { courier: ['ann', null], km: [3, 3] }, params: { at: '2024-05-01T12:00:00Z' } },
  ]) {
    const { status, json } = await ask(body)
    expect([status, json.predictions]).toEqual([200, [{ minutes: 26.5 }, { minutes: 6.5 }]])
    expect((await open.get(`/v1/predictions/${json.prediction_ids[0]}`)).status).toBe(200)
  }
  const csv = await ask('courier,km,parcels,note\nann,3,,"a ""note"", with\nlines"\n', 'text/csv')
  expect(csv.json.predictions).toEqual([{ minutes: 26.5 }])
})

test('/invocations takes the name where there are several models', async () => {
  expect((await ask({ inputs: [[1, 2]] }, undefined, '/invocations?model=eta')).status).toBe(200)
  const unnamed = await ask({ inputs: [[1, 2]] }, undefined, '/invocations')
  expect([unnamed.status, unnamed.json.message]).toEqual([400, expect.stringContaining('?model=NAME')])
  expect((await fetch(`${open.url}/ping`)).status).toBe(200)
})

test.each<[unknown, string, number, RegExp]>([
  [{ dataframe_split: { columns: ['km'], data: [[1]] } }, 'application/json', 400, /courier|mean_1d/],
  [{ dataframe_split: { columns: ['km', 'mean_1d'], data: [[1]] } }, 'application/json', 400, /Row 0/],
  [{ dataframe_split: { columns: ['km', 'km'], data: [[1, 2]] } }, 'application/json', 400, /twice/],
  [{ dataframe_split: split, inputs: [[1, 2]] }, 'application/json', 400, /several/],
  [{ dataframe_records: [] }, 'application/json', 400, /no rows/],
  [{ dataframe_records: [{ kilometres: 1 }] }, 'application/json', 400, /kilometres/],
  [{ inputs: [[1, 2]], params: { temperature: 1 } }, 'application/json', 400, /temperature/],
  [{ inputs: Array.from({ length: 101 }, () => [1, 2]) }, 'application/json', 400, /./],
  ['km,mean_1d\n1\n', 'text/csv', 400, /CSV/],
  ['km,km\n1,2\n', 'text/csv', 400, /twice/],
  ['', 'text/csv', 400, /empty|body/],
  ['km,mean_1d\n"1,2\n', 'text/csv', 400, /CSV/],
  ['x', 'application/vnd.apache.parquet', 415, /declared/],
  ['{}', 'application/json; charset=latin-1', 415, /charset/],
])('%j as %s: %d', async (body, type, status, words) => {
  const answer = await ask(body, type)
  expect([answer.status, Object.keys(answer.json)]).toEqual([status, ['error_code', 'message']])
  expect(answer.json.message).toMatch(words)
})

describeWith(['mlflow'], 'beside mlflow models serve', () => {
  let theirs: External
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sixfold-scoring-'))
    await writeFile(join(folder, 'model.onnx'), onnx(graph))
    theirs = await startMlflowModels(join(folder, 'model.onnx'))
  }, 120_000)
  afterAll(async () => {
    await theirs.close()
    await rm(folder, { recursive: true, force: true })
  })
  const both = async (
    body: unknown,
    type = 'application/json',
  ): Promise<readonly { status: number; json: unknown }[]> =>
    Promise.all(
      [open.url + path, `${theirs.url}/invocations`].map(async (url) => {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': type },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        })
        const text = await answer.text()
        return { status: answer.status, json: answer.status === 200 ? JSON.parse(text) : null }
      }),
    )
  // Theirs takes columns by their place where a model has no signature: here they are in the order of the vector. And where it has
  // none, whole numbers are integers, which its file refuses.
  test.each<[unknown, string?]>([
    [
      {
        dataframe_split: {
          columns: ['mean_1d', 'km'],
          data: [
            [1.5, 2.5],
            [3.5, 4.5],
          ],
        },
      },
    ],
    [{ dataframe_records: [{ mean_1d: 1.5, km: 2.5 }] }],
    [
      {
        inputs: [
          [1.5, 2.5],
          [3.5, 4.5],
        ],
      },
    ],
    [{ instances: [[1.5, 2.5]] }],
    [{ inputs: { x: [[1.5, 2.5]] } }],
    ['mean_1d,km\n1.5,2.5\n3.5,4.5\n', 'text/csv'],
  ])('%j is answered alike', async (body, type) => {
    const [ours, expected] = await both(body, type)
    expect(ours).toEqual(expected)
    expect(ours!.status).toBe(200)
  })
  test.each<[unknown, string?]>([
    [{}],
    [[]],
    ['{"inputs": [[1, 2]'],
    [{ inputs: [[1, 2]], instances: [[1, 2]] }],
    [{ inputs: [['a', 'b']] }],
    [{ inputs: [[1, 2, 3]] }],
    ['x', 'application/x-other'],
    [{ inputs: [[1, 2]] }, 'application/json; charset=latin-1'],
    [{ inputs: [[1, 2]] }, 'application/json; version=2'],
  ])('%j is refused alike', async (body, type) => {
    const [ours, expected] = await both(body, type)
    expect(ours!.status).toBe(expected!.status)
    expect(ours!.status).toBeGreaterThanOrEqual(400)
  })
})
