/** TensorFlow Serving's requests: to the pipeline by names of keys and request fields, to the file by tensors, with its errors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer, Service } from '../http/service.ts'
import { deliver, service } from '../http/service.ts'
import { classifier, linear } from '../models/graphs.ts'

let open: Service
beforeAll(async () => {
  open = await service({ limits: { requestRows: 100 } })
  await deliver(open)
  // minutes = 1 × mean_1d + 2 × km + 0.5
  await open.add('eta', linear([1, 2], 0.5))
  await open.add('vehicle', classifier([1], { labels: ['bike', 'van'] }))
})
afterAll(() => open.close())

const ask = (body: unknown, path = '/v1/models/eta:predict'): Promise<Answer> => open.post(path, body)
const predictions = async (body: unknown, path?: string): Promise<unknown> => {
  const { status, json } = await ask(body, path)
  expect([status, json]).toMatchObject([200, {}])
  return json.predictions ?? json.outputs
}

test('rows and columns of tensors', async () => {
  const rows = [
    [1, 2],
    [3, 4],
  ]
  expect(await predictions({ instances: rows })).toEqual([[5.5], [11.5]])
  expect(await predictions({ inputs: rows })).toEqual([[5.5], [11.5]])
  expect(await predictions({ instances: rows.map((x) => ({ x })) })).toEqual([[5.5], [11.5]])
  expect(await predictions({ inputs: { x: rows }, signature_name: 'serving_default' })).toEqual([[5.5], [11.5]])
  expect(await predictions({ instances: rows }, '/v1/models/eta/versions/1:predict')).toEqual([[5.5], [11.5]])
  expect(await predictions({ instances: rows }, '/v1/models/eta%3Apredict')).toEqual([[5.5], [11.5]])
})

test('entries of the vector are the columns of the input, whatever their order', async () => {
  expect(await predictions({ instances: [{ km: 2, mean_1d: 1 }] })).toEqual([[5.5]])
  expect(await predictions({ inputs: { km: [2, 4], mean_1d: [1, 3] } })).toEqual([[5.5], [11.5]])
})

test('several outputs are objects, and texts are texts', async () => {
  const [first] = (await predictions({ instances: [[3]] }, '/v1/models/vehicle:predict')) as [
    { label: string; probabilities: number[] },
  ]
  expect(first.label).toBe('van')
  expect(first.probabilities[1]).toBeGreaterThan(0.9)
  const columns = (await predictions({ inputs: [[3], [-3]] }, '/v1/models/vehicle:predict')) as { label: string[] }
  expect(columns.label).toEqual(['van', 'bike'])
})

test('names of keys and request fields ask the pipeline', async () => {
  const instances = [
    { courier: 'ann', km: 3 },
    { courier: { b64: Buffer.from('ann').toString('base64') }, km: 4 },
    { courier: null, km: 3 },
  ]
  const { status, json } = await ask({ instances })
  expect(status).toBe(200)
  expect(json.predictions).toEqual([26.5, 28.5, 6.5])
  expect(json.degraded).toBeUndefined()
  // Each is in the log.
  for (const id of json.prediction_ids) expect((await open.get(`/v1/predictions/${id}`)).status).toBe(200)
  expect(await predictions({ inputs: { courier: ['ann', 'ann'], km: [[3], [4]] } })).toEqual([26.5, 28.5])
})

test('a pipeline without a version is answered by the fallback, and says so', async () => {
  const { status, json } = await ask({ instances: [{ courier: 'ann', km: 3 }] }, '/v1/models/late:predict')
  expect([status, json.predictions]).toEqual([200, [0.25]])
  expect(json.degraded[0][0]).toMatchObject({ stage: 'inference', reason: 'no version' })
})

describe('what a model is', () => {
  test('status', async () => {
    const told = { version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }
    for (const path of ['/v1/models/eta', '/v1/models/eta/versions/1'])
      expect((await open.get(path)).json).toEqual({ model_version_status: [told] })
  })
  test('metadata', async () => {
    const { json } = await open.get('/v1/models/eta/metadata')
    expect(json.model_spec).toEqual({ name: 'eta', signature_name: '', version: '1' })
    expect(json.metadata.signature_def.signature_def.serving_default.inputs.x).toEqual({
      dtype: 'DT_FLOAT',
      tensor_shape: { dim: [-1, 2].map((size) => ({ size: String(size), name: '' })), unknown_rank: false },
      name: 'x:0',
    })
  })
})

describe('refused', () => {
  test.each<[string, unknown, number, RegExp]>([
    ['/v1/models/nope:predict', { instances: [[1, 2]] }, 404, /Servable not found for request: Latest\(nope\)/],
    ['/v1/models/eta/versions/9:predict', { instances: [[1, 2]] }, 404, /Specific\(eta, 9\)/],
    ['/v1/models/late:predict', { instances: [[1]] }, 404, /Latest\(late\)/],
    ['/v1/models/eta:classify', { examples: [] }, 501, /classify/],
    ['/v1/models/eta:regress', { examples: [] }, 501, /regress/],
    ['/v1/models/eta:explain', {}, 404, /explain/],
    ['/v1/models/eta', {}, 404, /Nothing/],
    ['/v1/models/eta:predict', { instances: [[1, 2]], inputs: [[1, 2]] }, 400, /Both/],
    ['/v1/models/eta:predict', {}, 400, /missing/],
    ['/v1/models/eta:predict', [], 400, /object/],
    ['/v1/models/eta:predict', { signature_name: 'other', instances: [[1, 2]] }, 400, /signature/],
    ['/v1/models/eta:predict', { instances: [] }, 400, /no rows/],
    ['/v1/models/eta:predict', { instances: Array.from({ length: 101 }, () => [1, 2]) }, 400, /at most 100/],
    ['/v1/models/eta:predict', { instances: [[1, 2, 3]] }, 400, /shape/],
    // As many values as the shape of the first rows says, but no block.
    ['/v1/models/eta:predict', { instances: [[1, 2], [3, 4, 5], [6]] }, 400, /different lengths/],
    ['/v1/models/eta:predict', { instances: [['a', 'b']] }, 400, /FP32/],
    ['/v1/models/eta:predict', { instances: [[1, 2], { x: [1, 2] }] }, 400, /x/],
    ['/v1/models/eta:predict', { instances: [{ kilometres: 2, mean_1d: 1 }] }, 400, /kilometres/],
    ['/v1/models/eta:predict', { instances: [{ km: 2, mean_1d: 1 }, { km: 2 }] }, 400, /mean_1d/],
    ['/v1/models/eta:predict', { instances: [{ courier: 'ann', km: 'far' }] }, 400, /km/],
    ['/v1/models/eta:predict', { instances: [{ courier: { b64: '!' }, km: 1 }] }, 400, /courier|Base64/],
    ['/v1/models/eta:predict', '{"instances": [[NaN, 1]]}', 400, /JSON/],
    ['/v1/models/eta:predict', '{"instances": [[1, Infinity]]}', 400, /JSON/],
    ['/v1/models/eta:predict', '', 400, /empty|body/],
  ])('%s %j: %d', async (path, body, status, words) => {
    const answer = await ask(body, path)
    expect([answer.status, Object.keys(answer.json)]).toEqual([status, ['error']])
    expect(answer.json.error).toMatch(words)
  })
  test('no content type is needed, and a compressed body is read', async () => {
    const response = await fetch(`${open.url}/v1/models/eta:predict`, {
      method: 'POST',
      body: new Blob([JSON.stringify({ instances: [[1, 2]] })]),
    })
    expect(await response.json()).toEqual({ predictions: [[5.5]] })
  })
})
