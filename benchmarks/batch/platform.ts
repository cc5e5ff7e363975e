/** A model over twelve numbers that the rows themselves have. */
import { batch, model, parquet, platform } from '../sixfold.ts'

const fields = {
  ...({ f0: 'float64', f1: 'float64', f2: 'float64', f3: 'float64', f4: 'float64', f5: 'float64' } as const),
  ...({ f6: 'float64', f7: 'float64', f8: 'float64', f9: 'float64', f10: 'float64', f11: 'float64' } as const),
}

export const platformOver = (rows: string) => {
  const score = model('score', {
    inputs: { request: fields },
    vector: ({ request }) => ({ ...request }),
    output: { score: 'probability' },
    fallback: () => ({ score: 0.5 }),
  })
  const nightly = batch('nightly', { model: score, key: { id: 'int64' }, rows: parquet(rows) })
  return platform({ score, nightly })
}
