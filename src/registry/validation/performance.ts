/** How long calls take, how much memory they need, and which operators they use: what a server that runs the version has to bear. */
import type { Gate } from '../../definition/gate.ts'
import type { Signature } from '../../inference/index.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { Inspection, IsolatedModel } from '../../ports/model-runtime.ts'
import type { LatencyFigures } from './figures.ts'
import type { Row, Scorer } from './scorer.ts'
import type { Finding } from './words.ts'
import { compact, figure } from './words.ts'

const calls = 300
/** The first calls find nothing in place yet. */
const warming = 10
/** For one number of rows; a call that takes long is made less often. */
const patienceMs = 15_000
/** A machine that does something else for a moment is no fault of the model's. */
const tries = 3

export async function measureCalls(
  { latency, memoryBytes: mostMemory }: Gate,
  { rows: fixed, outputs: asked }: Signature,
  loaded: IsolatedModel,
  scorer: Scorer,
  samples: readonly Row[],
): Promise<{ readonly latency: Finding; readonly memory: Finding }> {
  const batches: LatencyFigures['batches'][number][] = []
  let memoryBytes = 0
  const outputs = [...new Set(asked.map(({ tensor }) => tensor))]
  for (const rows of fixed === null ? latency.rows : [1]) {
    const tensors = scorer.tensors(samples, rows)
    if (tensors === null) {
      const none: Finding = { outcome: 'not possible', words: 'There is no row to call it with.', figures: null }
      return { latency: none, memory: none }
    }
    const first = await loaded.measure(tensors, outputs, warming)
    const usual = quantile(first.milliseconds, 0.5)
    const count = Math.max(20, Math.min(calls, Math.floor(patienceMs / Math.max(usual, 0.001))))
    let best: LatencyFigures['batches'][number] | null = null
    for (let attempt = 0; attempt < tries && (best === null || best.p99Ms > latency.p99Ms); attempt++) {
      // What is slow by itself will not be quick the next time.
      if (best !== null && best.p50Ms > latency.p99Ms) break
      const measured = await loaded.measure(tensors, outputs, count)
      memoryBytes = Math.max(memoryBytes, first.memoryBytes, measured.memoryBytes)
      const p99Ms = quantile(measured.milliseconds, 0.99)
      if (best === null || p99Ms < best.p99Ms)
        best = { rows, calls: count, p50Ms: quantile(measured.milliseconds, 0.5), p99Ms }
    }
    batches.push(best!)
  }
  const figures: LatencyFigures = { budgetMs: latency.p99Ms, batches, memoryBytes }
  const remote = loaded.place === 'remote'
  const slow = batches.filter(({ p99Ms }) => p99Ms > latency.p99Ms)
  const each = batches
    .map(
      ({ rows, p50Ms, p99Ms }) =>
        `${compact(rows)} ${rows === 1 ? 'row' : 'rows'} in ${figure(p50Ms)} ms (p99 ${figure(p99Ms)} ms)`,
    )
    .join(', ')
  const one = fixed === null ? '' : ' It takes one row a call.'
  return {
    latency: {
      outcome: slow.length === 0 ? 'passed' : 'failed',
      words: `${each}; the budget is ${figure(latency.p99Ms)} ms.${one}${slow.length === 0 ? '' : ' Make the model smaller, or the budget larger.'}`,
      figures,
    },
    memory: remote
      ? { outcome: 'not asked', words: 'It takes the memory of another server.', figures: null }
      : {
          outcome: mostMemory !== null && memoryBytes > mostMemory ? 'failed' : 'passed',
          words: `Loaded and called it takes ${formatBytes(memoryBytes)}${mostMemory === null ? '' : `; ${formatBytes(mostMemory)} are allowed`}.`,
          figures: { memoryBytes, most: mostMemory },
        },
  }
}

/** The smallest value that so large a share does not exceed. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
}

export function checkOperators({ operators: { deny, opset } }: Gate, inspection: Inspection): Finding {
  const { opset: found, ir, domains, operators } = inspection
  if (inspection.format === 'remote')
    return opset === null && deny.length === 0
      ? { outcome: 'not asked', words: 'It is on another server, and what it is made of is not known.', figures: null }
      : {
          outcome: 'failed',
          words: 'The gate asks for operators, and of a model on another server they are not known.',
          figures: null,
        }
  const problems: string[] = []
  const denied = operators.filter((operator) => deny.includes(operator))
  if (denied.length > 0) problems.push(`it uses ${denied.join(', ')}, which the gate forbids`)
  if (opset !== null && (found === null || found < opset[0] || found > opset[1]))
    problems.push(`it is of opset ${found ?? 'unknown'}, and the gate asks for ${opset[0]} to ${opset[1]}`)
  const sets = [found === null ? null : `opset ${found}`, ir === null ? null : `IR ${ir}`]
    .concat(Object.entries(domains).map(([domain, version]) => `${domain} ${version}`))
    .filter((set) => set !== null)
    .join(', ')
  const used = `${operators.slice(0, 20).join(', ')}${operators.length > 20 ? ` and ${operators.length - 20} more` : ''}`
  return problems.length > 0
    ? {
        outcome: 'failed',
        words: `It cannot pass: ${problems.join('; ')}.`,
        figures: { operators, opset: found, ir, domains },
      }
    : {
        outcome: 'passed',
        words: `The runtime has all it uses: ${sets}; ${used}.`,
        figures: { operators, opset: found, ir, domains },
      }
}
