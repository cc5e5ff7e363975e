/** `npm run drill -- NAME [--quick] [--json]`: one fault drill; what was done, what was counted, what was lost. */
import { parseArgs } from 'node:util'
import type { DrillResult } from './ingest-kill.ts'
import { ingestKill } from './ingest-kill.ts'
import type { Random } from './random.ts'
import { random } from './random.ts'

const drills: {
  readonly [name: string]: (random: Random, quick: boolean, say: (text: string) => void) => Promise<DrillResult>
} = {
  'ingest-kill': (random, quick, say) => ingestKill(random, quick ? 8 : 30, say),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const [name] = positionals
const drill = name === undefined ? undefined : drills[name]
if (drill === undefined) {
  process.stderr.write(`Usage: npm run drill -- NAME [--quick] [--json]\nDrills: ${Object.keys(drills).join(', ')}\n`)
  process.exit(2)
}
const dice = random()
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)
say(`${name}, SEED=${dice.seed}`)
const result = await drill(dice, values.quick, say)
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exitCode = result.lost + result.doubled + result.half_visible === 0 ? 0 : 1
