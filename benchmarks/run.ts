/** `npm run bench -- NAME... [--quick] [--json] [--no-peers]`: ours, theirs and the ratio, in one run. */
import { parseArgs } from 'node:util'
import { batch } from './batch.ts'
import { drift } from './drift.ts'
import { ingest } from './ingest.ts'
import { join } from './join.ts'
import { lookup } from './lookup.ts'
import type { Benchmark } from './measure.ts'
import { overload } from './overload.ts'
import { predict } from './predict.ts'
import { read } from './read.ts'
import { redis } from './redis.ts'
import { registry } from './registry.ts'
import { lineOf, machine, table } from './report.ts'
import { serve } from './serve.ts'

const benchmarks: { readonly [name: string]: Benchmark } = {
  ...{ join, read, predict, ingest, redis, registry, serve, overload, batch, lookup, drift },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
  },
})
const list = Object.entries(benchmarks).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
const unknown = positionals.find((name) => benchmarks[name] === undefined)
if (positionals.length === 0 || unknown !== undefined) {
  const problem = unknown === undefined ? '' : `There is no benchmark '${unknown}'.\n`
  const text = `${problem}Usage: npm run bench -- NAME... [--quick] [--json] [--no-peers]\n${list.join('\n')}\n`
  ;(unknown === undefined ? process.stdout : process.stderr).write(text)
  process.exit(unknown === undefined ? 0 : 2)
}

const say = (text: string): void => void process.stderr.write(`  ${text} …\n`)
const lines = []
process.stdout.write(`${machine()}\n`)
for (const name of positionals) {
  process.stdout.write(
    `\n— ${name}${values.quick ? ', quick: figures of small data, good for nothing but a look' : ''}\n`,
  )
  const outcome = await benchmarks[name]!.run({ quick: values.quick, peers: !values['no-peers'], say })
  process.stdout.write(`${table(outcome)}\n`)
  lines.push(...outcome.measures.map(lineOf))
}
if (values.json) process.stdout.write(`${JSON.stringify(lines.length === 1 ? lines[0] : lines)}\n`)
