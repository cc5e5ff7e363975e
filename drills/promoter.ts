/**
 * A process that registers, validates, promotes and rolls back without end, and says each time what it is about to do and that it was done.
 * It is killed from outside, or by itself at the failure point that KILL_AT names, the time that KILL_AFTER counts.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { random } from './random.ts'
import { openRegistry } from './registry-open.ts'

export interface Step {
  /** Names the request: a step that was not answered is taken again under the same. */
  readonly id: string
  readonly kind: 'register' | 'validate' | 'stage' | 'promote' | 'roll back' | 'alias'
  readonly version: number | null
  /** Of a registration: which of the model files. */
  readonly weight: number
}
export type Said =
  | { readonly begin: Step }
  | { readonly done: Step; readonly version: number }
  | { readonly refused: Step; readonly code: string }

const say = (said: Said): void => void writeSync(1, `${JSON.stringify(said)}\n`)

/** Every point that was passed, so that the drill can choose among those that there are. */
const passed = new Set<string>()
const { KILL_AT: killAt, KILL_AFTER: killAfter = '0', DRILL_MODELS: models, DRILL_AGAIN: again } = process.env
let countdown = Number(killAfter)
;(globalThis as { [point: symbol]: unknown })[Symbol.for('sixfold.failpoint')] = (name: string): void => {
  if (!passed.has(name)) {
    passed.add(name)
    writeSync(2, `point ${name}\n`)
  }
  if (name !== killAt || countdown-- > 0) return
  writeSync(2, `killed at ${name}\n`)
  process.kill(process.pid, 'SIGKILL')
}

const dice = random(Number(process.env['DRILL_SEED']))
const { registry } = await openRegistry()
const model = 'risky'
const asker = (step: Step) => ({ actor: 'local:drill', reason: `to see what survives`, id: step.id })
const newId = (): string =>
  Array.from({ length: 4 }, () =>
    dice
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')

async function take(step: Step): Promise<number> {
  const { kind, version, weight } = step
  if (kind === 'register') {
    const path = join(models!, `${weight}.onnx`)
    const added = await registry.add(
      model,
      path,
      { description: null, to: 'registered', facts: null, golden: null },
      asker(step),
    )
    return added.version.version
  }
  if (kind === 'validate') await registry.validate(model, version!, { data: null }, asker(step))
  if (kind === 'stage') await registry.move(model, version!, 'staging', {}, asker(step))
  if (kind === 'promote') await registry.move(model, version!, 'production', {}, asker(step))
  if (kind === 'alias') await registry.setAlias(model, 'champion', version!, undefined, asker(step))
  if (kind === 'roll back') return (await registry.rollback(model, null, asker(step))).to
  return version!
}

/** What comes next, looking at what there is. */
async function next(): Promise<Step> {
  const step = (kind: Step['kind'], version: number | null): Step => ({
    id: newId(),
    kind,
    version,
    weight: dice.below(20),
  })
  const { list, productions } = await registry.model(model).catch(() => ({ list: [], productions: [] }))
  const newest = list[0]
  if (newest === undefined || (newest.stage !== 'registered' && dice.below(3) === 0)) return step('register', null)
  if (newest.stage === 'registered') return step('validate', newest.version)
  if (newest.stage === 'validated') return step('stage', newest.version)
  if (newest.stage === 'staging') return step('promote', newest.version)
  if (new Set(productions.map(({ version }) => version)).size > 1 && dice.below(2) === 0) return step('roll back', null)
  return dice.below(2) === 0 ? step('alias', newest.version) : step('register', null)
}

let pending = again === undefined || again === '' ? null : (JSON.parse(again) as Step)
for (;;) {
  const step = pending ?? (await next())
  pending = null
  say({ begin: step })
  try {
    say({ done: step, version: await take(step) })
  } catch (error) {
    const { code } = error as { readonly code?: string }
    if (code === undefined) throw error
    say({ refused: step, code })
  }
}
