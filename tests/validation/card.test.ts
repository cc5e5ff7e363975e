/** The card of a version that a real validation looked at: what it says, that names cannot make anything of it, and that it can be read. */
import { beforeAll, describe, expect, test } from 'vitest'
import { bounded, gate, increasing, model, parquet } from '../../src/index.ts'
import type { AuditEntry, Facts } from '../../src/ports/registry-store.ts'
import { modelCard } from '../../src/registry/card/card.ts'
import type { VersionDetail } from '../../src/registry/registry.ts'
import { chromiumPath, launch, violations } from '../browser/chromium.ts'
import { logistic } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import { workplace } from './workplace.ts'

const chance = model('chance', {
  inputs: { request: { a: 'float64', b: 'float64' } },
  vector: ({ request: { a, b } }) => ({ a, b }),
  output: { yes: 'probability' },
  fallback: () => ({ yes: 0.5 }),
})
const hostile = `<script>document.title='taken'</script><img src=x onerror="document.title='taken'"> | [a](javascript:alert(1)) \`x\` # *b* "c" 'd' \u202e`

let passed: VersionDetail
let failed: VersionDetail
beforeAll(async () => {
  const at = await workplace()
  await at.parquet(
    'held.parquet',
    `SELECT a, b, y < 1 / (1 + exp(-(2 * a - b))) AS truth FROM (SELECT sin(i * 12.9898) * 2 AS a, cos(i * 78.233) * 2 AS b, (hash(i) % 1000000) / 1000000.0 AS y FROM range(4000) t(i))`,
  )
  const asked = gate(chance, {
    heldOut: { data: parquet('held.parquet'), labels: { yes: 'truth' } },
    invariants: { bounded: bounded('yes', 0, 1), 'more with a': increasing('yes', 'a') },
    slices: {
      high: { of: ({ vector }) => vector.a.gt(1) },
      low: { of: ({ vector }) => vector.a.lt(-1) },
      rare: { of: ({ vector }) => vector.a.gt(1.9999) },
    },
  })
  const champion = await at.version({ 'model.onnx': onnx(logistic([2, -1], 0)) }, 3)
  const of = async (
    weights: readonly number[],
    number: number,
    extra: Partial<VersionDetail>,
  ): Promise<VersionDetail> => {
    const held = await at.version({ 'model.onnx': onnx(logistic(weights, 0.01)) }, number)
    const result = await at.validate(asked, held, { champion })
    return detail(held.version as VersionDetail, result, extra)
  }
  passed = await of([1.96, -1.03], 4, {})
  failed = await of([0.7, -1], 5, {
    model: hostile,
    description: hostile,
    aliases: [hostile],
    source: hostile,
    missing: [hostile],
    history: [
      entry({ action: 'stage.changed', reason: hostile, actor: hostile, details: { from: hostile, to: hostile } }),
    ],
  })
  await at.close()
})

const entry = (given: Partial<AuditEntry>): AuditEntry => ({
  number: 1,
  id: '0',
  at: Date.UTC(2026, 0, 2),
  actor: 'key:ada',
  action: 'stage.changed',
  model: 'chance',
  version: 4,
  environment: 'default',
  reason: 'better on the coast',
  details: { from: 'validated', to: 'staging' },
  previous: '',
  hash: '',
  ...given,
})

const facts: Facts = {
  artifact: { format: 'onnx', sha256: 'ab', bytes: 412 },
  schema: {
    entries: [
      { name: 'a', type: 'float64', nullable: false, range: [-2, 2], reads: ['request.a'], views: {} },
      { name: 'b', type: 'float64', nullable: true, range: null, reads: ['request.b', 'pace.mean_1d'], views: {} },
    ],
    outputs: [{ name: 'yes', type: 'probability' }],
  },
  preprocessing: { hash: 'cd', graph: {}, source: { a: 'request.a', b: 'request.b.orElse(0)' } },
  data: {
    pointer: 's3://training/2025.parquet',
    hash: 'e'.repeat(64),
    rows: 1_204_332,
    from: Date.UTC(2025, 0, 1),
    to: Date.UTC(2025, 11, 31),
    query: null,
    artifact: null,
  },
  configuration: {
    parameters: { learning_rate: '0.05', trees: '400' },
    seeds: { python: '7' },
    hardware: '8 cores',
    command: ['python', 'train.py', '--year', '2025'],
    commit: 'a1b2c3d4',
    dirty: true,
  },
  evaluation: [{ metric: 'auc', value: 0.91, low: 0.9, high: 0.92, slice: null, data: null }],
  dependencies: {
    opset: 17,
    ir: 8,
    domains: { 'ai.onnx.ml': 3 },
    runtime: '>=1.14',
    packages: ['scikit-learn==1.9'],
    language: 'python',
  },
}

const detail = (
  version: VersionDetail,
  { document, passed: ok }: { readonly document: unknown; readonly passed: boolean },
  extra: Partial<VersionDetail>,
): VersionDetail => ({
  ...version,
  model: 'chance',
  stage: 'staging',
  aliases: ['champion'],
  description: 'The chance of a yes, by a logistic regression of two numbers.',
  source: 'models:/m-0123',
  run: '0b4f',
  facts,
  missing: ['training data: query'],
  evidence: [
    {
      id: 'e1',
      model: 'chance',
      version: version.version,
      kind: 'validation',
      passed: ok,
      document,
      artifacts: [],
      actor: 'key:ada',
      at: Date.UTC(2026, 0, 1),
    },
  ],
  approvals: [],
  ways: [],
  history: [
    entry({ number: 2 }),
    entry({ number: 1, action: 'version.registered', reason: null, at: Date.UTC(2026, 0, 1) }),
  ],
  ...extra,
})

describe('in Markdown', () => {
  test('says what was found, and of what', () => {
    const card = modelCard(passed, 'markdown')
    for (const says of [
      '# chance, version 4',
      'Stage: **staging**, champion',
      '## Accuracy on held-out rows',
      '| log loss |',
      'Production: version 3',
      '## Slices',
      '| rare |',
      'not possible',
      '## Latency and memory',
      '| `request.b.orElse(0)` |',
      '1,204,332',
      'learning\\_rate = 0.05',
      'a1b2c3d4, with changes',
      'Nobody recorded: training data: query',
      'from validated to staging in default',
      'better on the coast',
    ])
      expect(card).toContain(says)
    expect(card).not.toMatch(/undefined|NaN|\[object|\\\d/)
  })

  test('names make nothing of it', () => {
    const card = modelCard(failed, 'markdown')
    expect(card).not.toMatch(/<script|<img|(?<!\\)\[a\]|javascript:|\u202e/)
    expect(card.match(/^# /gm)).toHaveLength(1)
    for (const line of card.split('\n').filter((each) => each.startsWith('|')))
      expect(line.replaceAll('\\|', '').split('|').length).toBeGreaterThan(2)
    expect(card).toContain('failed')
  })
})

describe('as a page', () => {
  test('shows plots and stands alone', () => {
    const page = modelCard(passed, 'html')
    for (const says of [
      '<svg',
      'Reliability',
      'ROC curve',
      'all that is allowed',
      'budget',
      'prefers-color-scheme:dark',
    ])
      expect(page).toContain(says)
    expect(page).not.toMatch(/<script|src=|href="(?!#)|url\(|undefined|NaN/)
  })

  test('names make nothing of it', () => {
    const page = modelCard(failed, 'html')
    expect(page).not.toMatch(/<script|<img|\u202e/)
    expect(page).toContain('&lt;script&gt;')
  })

  test('of a version that nobody validated and nothing is known of', () => {
    const bare = {
      ...passed,
      evidence: [],
      history: [],
      description: null,
      run: null,
      facts: {
        artifact: null,
        schema: null,
        preprocessing: null,
        data: null,
        configuration: null,
        evaluation: [],
        dependencies: null,
      },
    }
    for (const form of ['markdown', 'html'] as const) {
      expect(modelCard(bare, form)).toContain('It was not validated.')
      expect(modelCard(bare, form)).not.toMatch(/undefined|NaN|null/)
    }
  })

  test.skipIf(chromiumPath === null)(
    'can be read by everyone, in light and dark, and runs nothing',
    { timeout: 120_000 },
    async () => {
      const browser = await launch()
      try {
        for (const colorScheme of ['light', 'dark'] as const) {
          const context = await browser.newContext({
            colorScheme,
            viewport: { width: 1_100, height: 900 },
            bypassCSP: true,
          })
          for (const version of [passed, failed]) {
            const page = await context.newPage()
            await page.setContent(modelCard(version, 'html'))
            expect(await violations(page)).toEqual([])
            expect(await page.title()).not.toBe('taken')
            // No part is wider than the page.
            expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
            const folder = process.env['PICTURES']
            if (folder)
              await page.screenshot({ path: `${folder}/card-${version.version}-${colorScheme}.png`, fullPage: true })
            await page.close()
          }
          await context.close()
        }
      } finally {
        await browser.close()
      }
    },
  )
})
