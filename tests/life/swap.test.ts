/**
 * Versions that take turns in production while everybody asks: over HTTP, as tensors, and over gRPC. Nobody is refused, nobody gets a
 * degraded answer, and nobody who has seen the new version sees the old one again.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { afterAll, describe, expect, test } from 'vitest'
import { gate, model, platform, sixfold } from '../../src/index.ts'
import { serviceOf } from '../../src/server/grpc/definition.ts'
import { inference } from '../../src/server/grpc/protocol.ts'
import { linear } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-swap-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const score = model('score', {
  inputs: { request: { a: 'float64', b: 'float64' } },
  vector: ({ request }) => ({ a: request.a, b: request.b }),
  output: { score: 'number' },
  fallback: () => ({ score: 0 }),
})
const lenient = gate(score, { latency: { p99Ms: 10_000 } })
/** Version v answers 2 a + 3 b + v. */
const answerOf = (version: number): number => 2 + 3 + version
const promotions = 6

interface Seen {
  readonly version: string
  readonly value: number
  readonly degraded: boolean
}

for (const place of ['inline', 'thread', 'process'] as const)
  describe(place, () => {
    const app = sixfold(platform({ score, lenient }), { data: join(folder, place), models: { score: { place } } })
    afterAll(() => app.close())

    test(`${promotions} promotions under load`, { timeout: 180_000 }, async () => {
      const file = (version: number): string => {
        const path = join(folder, `${place}-${version}.onnx`)
        writeFileSync(path, onnx(linear([2, 3], version)))
        return path
      }
      await app.addModel('score', file(1))
      const server = await app.listen({ port: 0 })
      const Client = makeGenericClientConstructor(serviceOf(inference, 'inference.GRPCInferenceService'), 'Inference')
      const grpc = new Client(server.grpc!, credentials.createInsecure()) as unknown as {
        ModelInfer(asked: object, options: object, reply: (error: Error | null, answer: GrpcAnswer) => void): void
        close(): void
      }
      const post = async (path: string, body: object) => {
        const answer = await fetch(server.url + path, {
          method: 'POST',
          // A machine with other work is late by itself: what is looked for here is what a swap costs.
          headers: { 'content-type': 'application/json', 'x-request-timeout-ms': '20000' },
          body: JSON.stringify(body),
        })
        if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
        // biome-ignore lint/suspicious/noExplicitAny: what the server says is for the test to look at
        return (await answer.json()) as any
      }
      const askers: readonly (() => Promise<Seen>)[] = [
        async () => {
          const { prediction, version, degraded } = await post('/v1/models/score/predict', {
            keys: {},
            request: { a: 1, b: 1 },
          })
          return { version, value: prediction.score, degraded: degraded.length > 0 }
        },
        async () => {
          const { model_version, outputs } = await post('/v2/models/score/infer', {
            inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 1] }],
          })
          return { version: model_version, value: outputs[0].data[0], degraded: false }
        },
        () =>
          new Promise((resolve, reject) => {
            const raw = Buffer.from(Float32Array.of(1, 1).buffer)
            const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32' }]
            const asked = { model_name: 'score', inputs, raw_input_contents: [raw] }
            grpc.ModelInfer(asked, { deadline: Date.now() + 20_000 }, (error, answer) => {
              if (error !== null) reject(error)
              else {
                const value = answer.raw_output_contents[0]!.readFloatLE(0)
                resolve({ version: answer.model_version, value, degraded: false })
              }
            })
          }),
      ]
      let running = true
      const seen: Seen[][] = askers.map(() => [])
      const failures: unknown[] = []
      const loops = askers.flatMap((ask, i) =>
        Array.from({ length: 3 }, async () => {
          let last = 0
          while (running) {
            try {
              const one = await ask()
              seen[i]!.push(one)
              if (Number(one.version) < last) failures.push(`version ${one.version} after ${last}`)
              last = Number(one.version)
            } catch (error) {
              failures.push(error)
            }
          }
        }),
      )
      for (let version = 2; version <= promotions + 1; version++) {
        await app.addModel('score', file(version))
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      running = false
      await Promise.all(loops)
      grpc.close()
      await server.close()
      expect(failures).toEqual([])
      for (const list of seen) {
        expect(list.length).toBeGreaterThan(promotions)
        expect(list.filter(({ degraded }) => degraded)).toEqual([])
        for (const { version, value } of list) expect(value).toBeCloseTo(answerOf(Number(version)), 4)
        expect(new Set(list.map(({ version }) => version)).size).toBeGreaterThan(promotions / 2)
      }
    })
  })

interface GrpcAnswer {
  readonly model_version: string
  readonly raw_output_contents: readonly Buffer[]
}
