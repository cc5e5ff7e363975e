/** Models as LightGBM, XGBoost and scikit-learn export them: what their answers are made of, held to Python's shap (`vectors.py`). */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import { attribute } from '../../src/inference/attribution/attribute.ts'

const folder = join(dirname(fileURLToPath(import.meta.url)), 'vectors')
const cases = readdirSync(folder).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []))
const runtime = onnxModelRuntime()

interface Case {
  /** Which number of a row of the output; null: the only one, or that of the second of two classes. */
  readonly place: number | null
  readonly background: readonly (readonly (number | null)[])[]
  readonly rows: readonly (readonly (number | null)[])[]
  readonly base: number
  readonly contributions: readonly (readonly number[])[]
}
const numbers = (row: readonly (number | null)[]): number[] => row.map((value) => value ?? Number.NaN)

describe('as shap says', () => {
  test('all that was asked of it', () => expect(cases.length).toBeGreaterThanOrEqual(11))

  test.each(cases)('%s', async (name) => {
    const path = join(folder, `${name}.onnx`)
    const asked = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Case
    const structure = (await runtime.structure(path))!
    expect(structure).not.toBeNull()
    const place = asked.place ?? structure.width - 1
    const model = await runtime.load(path, { place: 'inline', providers: ['cpu'] })
    const [input] = model.inputs
    const type = input!.type
    for (const [i, row] of asked.rows.entries()) {
      const values = numbers(row)
      const found = await attribute(structure, place, values, asked.background.map(numbers))
      const shap = asked.contributions[i]!
      for (const [column, share] of found.shares.entries())
        expect(Math.abs(share - shap[column]!), `row ${i}, column ${column}: ${share}, ${shap[column]}`).toBeLessThan(
          1e-6,
        )
      expect(Math.abs(found.base - asked.base)).toBeLessThan(1e-6)
      expect(Math.abs(found.base + found.shares.reduce((a, b) => a + b, 0) - found.margin)).toBeLessThan(1e-9)
      const data = type === 'float64' ? Float64Array.from(values) : Float32Array.from(values)
      const answer = await model.run({ [input!.name]: { type, shape: [1, values.length], data } }, [structure.output])
      expect(Math.abs(found.answer - Number(answer[structure.output]!.data[place]))).toBeLessThan(1e-5)
    }
    await model.close()
  })
})
