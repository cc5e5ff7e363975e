/**
 * How long the property tests run: `RUNS=20000 npm run test:parity` for a long run, `SEED=…` to repeat one. A failure prints its
 * seed and the smallest case that still fails.
 */
export const runs = (ordinary: number): { readonly numRuns: number; readonly seed?: number } => ({
  numRuns: Number(process.env['RUNS'] ?? ordinary),
  ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}),
})
