/** The request fields of label rows pass the same door as those of a question: what a server would refuse, no model is trained on. */
import { expect, test } from 'vitest'
import { platformText, project } from './project.ts'

test('a request field outside its range or its members is missing in a training set', async () => {
  const p = await project(
    platformText
      .replace(
        "request: { km: 'float64' }",
        "request: { km: { type: 'float64?', range: [0, 50] }, how: { type: 'string?', oneOf: ['bike', 'car'] } }",
      )
      .replace('km: request.km }', 'km: request.km.orElse(-1), unsaid: request.how.isMissing().choose(1, 0) }'),
  )
  try {
    await p.history(4)
    await p.sql(
      `COPY (SELECT * FROM (VALUES ('ann', 3.0, 'bike'), ('ann', 51.0, 'plane')) l(courier, km, how), (SELECT TIMESTAMP '2024-01-02' AS t)) TO '${p.path('labels.parquet')}' (FORMAT parquet)`,
    )
    const set = [
      'training-set',
      'eta',
      '--labels',
      'labels.parquet',
      '--at',
      't',
      '--zone',
      'UTC',
      '--out',
      'set.parquet',
    ]
    expect(await p.run(...set)).toMatchObject({ code: 0, err: '' })
    expect(await p.sql(`SELECT km, vector__km, vector__unsaid FROM '${p.path('set.parquet')}'`)).toEqual([
      ['3.0', 3, '0'],
      ['51.0', -1, '1'],
    ])
  } finally {
    await p.dispose()
  }
})
