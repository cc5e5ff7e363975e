/** The laws of a model runtime, for a model on another server: MLServer by JSON, with the same ONNX files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, test, vi } from 'vitest'
import { remoteFile } from '../../src/adapters/remote/describe.ts'
import { remoteSession } from '../../src/adapters/remote/session.ts'
import type { LoadedModel } from '../../src/ports/model-runtime.ts'
import { modelApartCases, modelRuntimeCases } from '../../src/testing/model-runtime.ts'
import { linear, lookup, slow, table } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startMlserver } from '../services/index.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const graphs = {
  linear: linear([2, 3], 1),
  table: table([10, 20]),
  words: lookup(['one', 'zwei', ''], [1, 2, 3]),
  slow,
}

describeWith(['mlserver'], 'a model on MLServer', () => {
  let server: Service
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sixfold-remote-'))
    const files: { [name: string]: string } = {}
    for (const [name, graph] of Object.entries(graphs)) {
      files[name] = join(folder, `${name}.onnx`)
      await writeFile(files[name], onnx(graph))
    }
    server = await startMlserver(files)
  })
  afterAll(async () => {
    await server?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const load = async (name: string): Promise<LoadedModel> => {
    const { url } = server
    return remoteSession(await remoteFile({ url: `v2+${url}/models/${name}`, inputs: [], outputs: [] }, [url]))
  }
  const setup = {
    linear: () => load('linear'),
    table: () => load('table'),
    words: () => load('words'),
    slow: () => load('slow'),
  }
  for (const { name, run } of [...modelRuntimeCases(setup), ...modelApartCases(setup)]) test(name, run)
})
