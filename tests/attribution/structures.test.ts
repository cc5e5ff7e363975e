/** Trees of every kind of node, drawn: the structure is what the runtime answers, shares add up, and are those of the definition. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import { structureOf } from '../../src/adapters/onnx/structure/structure.ts'
import { attribute } from '../../src/inference/attribution/attribute.ts'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import type { ModelStructure } from '../../src/ports/model-structure.ts'
import { marginsOf, seenBy } from '../../src/ports/model-structure.ts'
import { linear, logistic } from '../models/graphs.ts'
import type { Graph } from '../models/onnx.ts'
import { onnx } from '../models/onnx.ts'
import { ensemble, modes } from './ensemble.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-structures-'))
afterAll(() => rmSync(folder, { recursive: true }))
const runtime = onnxModelRuntime()
let files = 0
const fileOf = (bytes: Uint8Array): string => {
  const path = join(folder, `${files++}.onnx`)
  writeFileSync(path, bytes)
  return path
}

/** Shapley values as they are defined: over all orders of columns, for each row of the background. */
function byDefinition(
  structure: ModelStructure,
  margin: number,
  row: Float64Array,
  background: readonly Float64Array[],
) {
  const { columns } = structure
  const worth = (known: number): number => {
    let sum = 0
    for (const other of background)
      sum += marginsOf(
        structure,
        row.map((value, i) => (known & (1 << i) ? value : other[i]!)),
      )[margin]!
    return sum / background.length
  }
  const worths = Array.from({ length: 1 << columns }, (_, known) => worth(known))
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
  return Array.from({ length: columns }, (_, i) => {
    let share = 0
    for (let known = 0; known < 1 << columns; known++) {
      if (known & (1 << i)) continue
      const size = known.toString(2).replaceAll('0', '').length
      const weight = (factorial(size) * factorial(columns - size - 1)) / factorial(columns)
      share += weight * (worths[known | (1 << i)]! - worths[known]!)
    }
    return share
  })
}

const columns = 4
const value = fc.oneof(
  fc.integer({ min: -4, max: 4 }).map((n) => n / 2),
  fc.constant(Number.NaN),
)
const rowOf = fc.array(value, { minLength: columns, maxLength: columns })

describe('trees of every kind of node', () => {
  test('answer as the runtime does, and their shares are those of the definition', async () => {
    let apart = 0
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          trees: fc.integer({ min: 1, max: 5 }),
          depth: fc.integer({ min: 0, max: 5 }),
          targets: fc.integer({ min: 1, max: 3 }),
          kind: fc.constantFrom('regressor', 'classifier'),
          aggregate: fc.constantFrom('SUM', 'AVERAGE'),
          transform: fc.constantFrom('NONE', 'LOGISTIC', 'SOFTMAX'),
          positive: fc.boolean(),
          withBase: fc.boolean(),
          modes: fc.constantFrom(modes, ...modes.map((mode) => [mode])),
        }),
        rowOf,
        fc.array(rowOf, { minLength: 1, maxLength: 5 }),
        async (drawn, row, background) => {
          const path = fileOf(onnx(ensemble({ ...drawn, columns })))
          const structure = await runtime.structure(path)
          if (structure === null) {
            // What the runtime answers is no function of a margin there.
            expect(drawn.kind === 'classifier' || drawn.transform !== 'NONE').toBe(true)
            return
          }
          apart++
          const model = await runtime.load(path, { place: 'inline', providers: ['cpu'] })
          const place = structure.width - 1
          const found = await attribute(structure, place, row, background)
          const data = Float32Array.from(row)
          const answers = await model.run({ x: { type: 'float32', shape: [1, columns], data } }, [structure.output])
          await model.close()
          expect(Math.abs(found.answer - Number(answers[structure.output]!.data[place]))).toBeLessThan(1e-5)
          const sum = found.shares.reduce((a, b) => a + b, 0)
          expect(Math.abs(found.base + sum - found.margin)).toBeLessThan(1e-9)
          const others = background.map((other) => seenBy(structure, other))
          const margin = structure.margins - 1
          for (const [i, share] of byDefinition(structure, margin, seenBy(structure, row), others).entries())
            expect(Math.abs(share - found.shares[i]!)).toBeLessThan(1e-9)
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 150) },
    )
    expect(apart).toBeGreaterThan(50)
  }, 120_000)

  test('a regressor without a transform is always one', async () => {
    for (const mode of modes)
      for (const aggregate of ['SUM', 'AVERAGE'] as const) {
        const drawn = { seed: 3, trees: 3, depth: 4, targets: 1, kind: 'regressor', transform: 'NONE' } as const
        const graph = ensemble({ ...drawn, aggregate, positive: false, withBase: true, modes: [mode], columns })
        expect(await runtime.structure(fileOf(onnx(graph)))).toMatchObject({ kind: 'trees', link: 'identity' })
      }
  })
})

describe('what is linear', () => {
  const scaled = (graph: Graph): Graph => ({
    ...graph,
    nodes: [
      {
        op: 'Scaler',
        domain: 'ai.onnx.ml',
        inputs: ['x'],
        outputs: ['scaled'],
        attributes: { offset: { floats: [1, 2] }, scale: { floats: [0.5, 4] } },
      },
      ...graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => (name === 'x' ? 'scaled' : name)) })),
    ],
  })
  test('a product with a matrix, scaled and through a sigmoid', async () => {
    expect(await runtime.structure(fileOf(onnx(linear([2, 3], 1))))).toMatchObject({
      ...{ kind: 'linear', link: 'identity', columns: 2, weight: Float64Array.of(2, 3), base: Float64Array.of(1) },
    })
    expect(await runtime.structure(fileOf(onnx(scaled(logistic([2, 3], 1)))))).toMatchObject({
      ...{ kind: 'linear', link: 'logistic', weight: Float64Array.of(1, 12), base: Float64Array.of(-24) },
    })
  })
})

describe('files that were made to harm', () => {
  const good = onnx(
    ensemble({
      seed: 1,
      trees: 4,
      depth: 4,
      targets: 1,
      kind: 'regressor',
      aggregate: 'SUM',
      transform: 'NONE',
      positive: false,
      withBase: true,
      modes,
      columns,
    }),
  )
  const read = (bytes: Uint8Array): ModelStructure | null | 'refused' => {
    try {
      return structureOf(bytes)
    } catch (error) {
      // As it is told by whoever reads a file: the child, which answers SX_ARTIFACT_INVALID.
      expect(String(error)).toMatch(/Malformed|Error: (a |it )/)
      return 'refused'
    }
  }

  test('cut off anywhere, and with any bytes changed, they end, and quickly', () => {
    for (let length = 0; length < good.length; length += 7) read(good.subarray(0, length))
    let harmless = 0
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
        (changes) => {
          const bytes = Uint8Array.from(good)
          for (const [at, byte] of changes) bytes[at] = byte
          const began = performance.now()
          const structure = read(bytes)
          if (structure !== null && structure !== 'refused') {
            harmless++
            marginsOf(structure, seenBy(structure, new Array(structure.columns).fill(0)))
          }
          expect(performance.now() - began).toBeLessThan(1_000)
        },
      ),
      { numRuns: 2_000 },
    )
    expect(harmless).toBeGreaterThan(10)
  })

  test('nodes in a circle, nodes of two parents, and trees deeper than is followed are none', () => {
    const chain = (length: number, last: number): Graph => {
      const ids = Array.from({ length: 2 * length + 1 }, (_, i) => i)
      const isLeaf = (i: number): boolean => i >= length
      const graph = ensemble({
        seed: 1,
        trees: 1,
        depth: 0,
        targets: 1,
        kind: 'regressor',
        aggregate: 'SUM',
        transform: 'NONE',
        positive: false,
        withBase: false,
        modes,
        columns,
      })
      return {
        ...graph,
        nodes: [
          {
            ...graph.nodes[0]!,
            attributes: {
              ...graph.nodes[0]!.attributes,
              nodes_treeids: { ints: ids.map(() => 0) },
              nodes_nodeids: { ints: ids },
              nodes_featureids: { ints: ids.map(() => 0) },
              nodes_modes: { strings: ids.map((i) => (isLeaf(i) ? 'LEAF' : 'BRANCH_LEQ')) },
              nodes_values: { floats: ids },
              nodes_truenodeids: { ints: ids.map((i) => (isLeaf(i) ? 0 : i + length)) },
              nodes_falsenodeids: { ints: ids.map((i) => (isLeaf(i) ? 0 : i === length - 1 ? last : i + 1)) },
              nodes_missing_value_tracks_true: { ints: ids.map(() => 0) },
              target_treeids: { ints: [0] },
              target_nodeids: { ints: [2 * length] },
              target_ids: { ints: [0] },
              target_weights: { floats: [1] },
            },
          },
        ],
      }
    }
    expect(structureOf(onnx(chain(100, 200)))).not.toBeNull()
    expect(structureOf(onnx(chain(100, 50)))).toBeNull()
    expect(structureOf(onnx(chain(100, 150)))).toBeNull()
    expect(structureOf(onnx(chain(5_000, 10_000)))).toBeNull()
  })

  test('no model at all is refused as it is elsewhere', async () => {
    for (const bytes of [Buffer.from('nothing'), Buffer.alloc(0), good.subarray(0, 300)])
      await expect(runtime.structure(fileOf(bytes))).rejects.toSatisfy(
        (error) => isSixfoldError(error) && error.code === 'SX_ARTIFACT_INVALID',
      )
    await expect(runtime.structure(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'SX_ARTIFACT_INVALID' })
  })
})

test('100 trees of 31 leaves over 100 rows take milliseconds', async () => {
  const drawn = {
    seed: 5,
    trees: 100,
    depth: 5,
    targets: 1,
    kind: 'regressor',
    transform: 'NONE',
    aggregate: 'SUM',
  } as const
  const graph = ensemble({ ...drawn, positive: false, withBase: false, modes: ['BRANCH_LEQ'], columns: 12, full: true })
  const structure = (await runtime.structure(fileOf(onnx(graph))))!
  expect(structure).toMatchObject({ kind: 'trees' })
  const draw = (): number[] => Array.from({ length: 12 }, () => Math.random() * 4 - 2)
  const background = Array.from({ length: 100 }, draw)
  const times: number[] = []
  for (let i = 0; i < 15; i++) {
    const began = performance.now()
    await attribute(structure, 0, draw(), background)
    times.push(performance.now() - began)
  }
  const best = Math.min(...times)
  // A third of it on a machine with nothing else to do.
  expect(best).toBeLessThan(50)
})

test('others get their turn while a large forest is taken apart', async () => {
  const drawn = {
    seed: 6,
    trees: 60,
    depth: 8,
    targets: 1,
    kind: 'regressor',
    transform: 'NONE',
    aggregate: 'SUM',
  } as const
  const graph = ensemble({ ...drawn, positive: false, withBase: false, modes: ['BRANCH_LEQ'], columns: 12, full: true })
  const structure = structureOf(onnx(graph))!
  const draw = (): number[] => Array.from({ length: 12 }, () => Math.random() * 4 - 2)
  let turns = 0
  let over = false
  const counting = (): void => {
    turns++
    if (!over) setImmediate(counting)
  }
  setImmediate(counting)
  await attribute(structure, 0, draw(), Array.from({ length: 2_000 }, draw))
  over = true
  expect(turns).toBeGreaterThan(10)
})
