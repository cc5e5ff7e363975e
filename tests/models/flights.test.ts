/** The models of the flights example: what scikit-learn and LightGBM exported, added to their own definitions, and asked. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock, sixfold } from 'sixfold'
import { expect, test } from 'vitest'
import flights from '../../examples/flights/platform.ts'

test('each answers for its own definition, and is refused for the other', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sixfold-flights-'))
  const project = join(import.meta.dirname, '../../examples/flights')
  const app = sixfold(flights as never, {
    data,
    project,
    clock: manualClock(Date.parse('2013-06-01T12:00:00Z')),
  }) as unknown as {
    addModel(model: string, path: string): Promise<{ readonly version: string }>
    predict(model: string, keys: object, request: object): Promise<{ readonly late: number; readonly record: object }>
    close(): Promise<void>
  }
  for (const [name, file] of [
    ['late', 'models/late.onnx'],
    ['late_linear', 'models/late_linear.onnx'],
  ] as const) {
    expect(await app.addModel(name, file)).toEqual({ version: '1' })
    const ask = (distance: number) =>
      app.predict(
        name,
        { carrier: 'UA', origin: 'EWR', dest: 'SFO', tailnum: 'N1' },
        {
          distance,
          scheduled_departure: new Date('2013-06-01T13:00:00Z'),
          scheduled_arrival: new Date('2013-06-01T19:00:00Z'),
        },
      )
    const answers = await Promise.all([200, 800, 2565].map(ask))
    for (const { late, record } of answers) {
      expect(record).toMatchObject({ version: '1', degraded: [] })
      expect(late > 0 && late < 1).toBe(true)
    }
    expect(new Set(answers.map(({ late }) => late)).size).toBeGreaterThan(1)
  }
  await expect(app.addModel('late', 'models/late_linear.onnx')).rejects.toMatchObject({
    code: 'SX_SIGNATURE_MISMATCH',
    message: expect.stringContaining("input 'x' has 18 columns, the vector has 29"),
  })
  await app.close()
  await rm(data, { recursive: true, force: true })
})
