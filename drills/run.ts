/** `npm run drill -- NAME [--quick] [--json]`: one fault drill; what was done, what was counted, what was lost. */
import { parseArgs } from 'node:util'
import { batchKill } from './batch-kill.ts'
import type { DrillResult } from './ingest-kill.ts'
import { ingestKill } from './ingest-kill.ts'
import { promoteKill } from './promote-kill.ts'
import type { Random } from './random.ts'
import { random } from './random.ts'
import type { SeveralResult } from './several-kill.ts'
import { severalKill, sharedLogs } from './several-kill.ts'
import type { OutageResult } from './store-outage.ts'
import { outageStores, storeOutage } from './store-outage.ts'

const drills: {
  readonly [name: string]: (random: Random, quick: boolean, say: (text: string) => void) => Promise<DrillResult>
} = {
  'ingest-kill': (random, quick, say) => ingestKill(random, quick ? 8 : 30, say),
  'batch-kill': (random, quick, say) => batchKill(random, quick ? 24 : 100, say),
  'promote-kill': (random, quick, say) => promoteKill(random, quick ? 24 : 200, say),
  'store-outage': async (random, quick, say) => {
    const results: OutageResult[] = []
    for (const store of outageStores) {
      const result = await storeOutage(
        store,
        random,
        quick ? { awayMs: 3_000, brokenMs: 1_000 } : { awayMs: 20_000, brokenMs: 5_000 },
        say,
      )
      say(`${store}: ${JSON.stringify(result)}`)
      results.push(result)
    }
    const sum = (of: (result: OutageResult) => number): number =>
      results.reduce((total, result) => total + of(result), 0)
    return {
      name: 'store-outage',
      faults: sum(({ faults }) => faults),
      checked: sum(({ checked }) => checked),
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      half_visible: 0,
      server_errors: sum(({ server_errors }) => server_errors),
    }
  },
  'several-kill': async (random, quick, say) => {
    const results: SeveralResult[] = []
    for (const log of sharedLogs) {
      const result = await severalKill(log, random, quick ? 20_000 : 120_000, say)
      say(`${log}: ${JSON.stringify(result)}`)
      results.push(result)
    }
    const sum = (of: (result: SeveralResult) => number): number =>
      results.reduce((total, result) => total + of(result), 0)
    return {
      name: 'several-kill',
      faults: sum(({ faults }) => faults),
      checked: sum(({ checked }) => checked),
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      half_visible: sum(({ half_visible }) => half_visible),
    }
  },
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
process.exitCode = result.lost + result.doubled + result.half_visible + (result.server_errors ?? 0) === 0 ? 0 : 1
