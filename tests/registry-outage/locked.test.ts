/** On one machine: another process holds the file of the metadata store, and a roll back goes on without it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'libsql'
import { expect, test } from 'vitest'
import { tell } from '../../drills/server.ts'
import { linearModel } from '../cli/onnx.ts'
import { answers, auditIsWhole, inProduction, newId, rollback, watched, written } from './stage.ts'

test('a metadata file that is locked for 20 seconds holds no roll back up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-locked-'))
  const environment = { SIXFOLD_DATA: folder }
  const server = watched(environment)
  try {
    for (let i = 1; i <= 3; i++) {
      const path = join(folder, `${i}.onnx`)
      writeFileSync(path, linearModel('risky', [0, 0], i / 100))
      const { ended, said } = await tell(null, environment, 'model', 'add', 'risky', path)
      expect(ended, said).toBe('well')
    }
    await server.start()
    await answers([server], 3, 10_000)
    const other = new Database(join(folder, 'metadata.sqlite'))
    other.exec('begin exclusive')
    const until = performance.now() + 20_000
    const [one, two] = [newId(), newId()]
    const answer = await rollback(server, one)
    expect(answer, JSON.stringify(answer)).toMatchObject({ status: 200, body: { from: 3, to: 2, pending: true } })
    expect(answer.ms).toBeLessThan(4_000)
    await answers([server], 2, 2_000)
    await sleep(12_000)
    expect((await rollback(server, two)).body).toMatchObject({ from: 2, to: 1, pending: true })
    await answers([server], 1, 2_000)
    await sleep(until - performance.now())
    other.exec('commit')
    other.close()
    const entries = await written(server, [one, two])
    expect(entries.slice(-2).map(({ id, version, actor }) => [id, version, actor])).toEqual([
      [one, 2, 'anyone'],
      [two, 1, 'anyone'],
    ])
    await sleep(1_500)
    expect(entries).toHaveLength((await written(server, [two])).length)
    expect(await inProduction(server)).toEqual([1])
    expect(server.seen).toEqual([3, 2, 1])
    expect(server.failed).toEqual([])
    await auditIsWhole(server)
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}, 90_000)
