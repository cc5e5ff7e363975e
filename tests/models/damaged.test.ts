/** A stored version whose file was damaged: the server lives, its fallback answers and says so, and the log says it once. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { model, platform, sixfold } from 'sixfold'
import { expect, test } from 'vitest'
import { linear } from './graphs.ts'
import { onnx } from './onnx.ts'

const score = model('score', {
  inputs: { request: { a: 'float64' } },
  vector: ({ request: { a } }) => ({ a }),
  output: { score: 'number' },
  fallback: () => ({ score: -1 }),
})

test('the newest version is damaged while the server is down', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-damaged-'))
  const data = join(folder, 'data')
  const lines: { readonly level: number; readonly err?: { readonly code?: string; readonly message: string } }[] = []
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
  const open = () => sixfold(platform({ score }), { data, logger })
  const ask = async (app: ReturnType<typeof open>) => app.predict('score', {}, { a: 3 })

  let app = open()
  await writeFile(join(folder, 'model.onnx'), onnx(linear([2], 1)))
  await app.addModel('score', join(folder, 'model.onnx'))
  expect(await ask(app)).toMatchObject({ score: 7, record: { version: '1' } })
  await app.close()

  const files = (await readdir(join(data, 'artifacts'), { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  )
  const [artifact] = files
  await writeFile(join(artifact!.parentPath, artifact!.name), onnx(linear([3], 1)))
  app = open()
  const degraded = [{ stage: 'inference', by: 'default', reason: 'no version' }]
  expect(await ask(app)).toMatchObject({ score: -1, record: { version: null, degraded } })
  // Long enough to look for new versions several times.
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  const errors = lines.filter(({ level }) => level >= 50)
  expect(errors).toHaveLength(1)
  expect(errors[0]!.err!.message).toContain(artifact!.name)

  // The same file is added again, and answers.
  expect(await app.addModel('score', join(folder, 'model.onnx'))).toEqual({ version: '1' })
  expect(await ask(app)).toMatchObject({ score: 7, record: { version: '1', degraded: [] } })
  await app.close()
  await rm(folder, { recursive: true, force: true })
})
