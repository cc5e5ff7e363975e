/** Servers of old and of new definitions on the same stores, and a promotion and a roll back between them: one version is in production throughout. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { project, tell } from '../../drills/server.ts'
import { describeWith } from '../services/index.ts'
import type { Server } from './stage.ts'
import { answers, auditIsWhole, inProduction, rollback, stage } from './stage.ts'

describeWith(['redis', 'postgres', 's3'], 'a rolling restart with other definitions', () => {
  test('keeps one version in production across a promotion and a roll back', async () => {
    const next = mkdtempSync(join(tmpdir(), 'sixfold-next-'))
    mkdirSync(join(next, 'node_modules'))
    symlinkSync(join(project, '../..'), join(next, 'node_modules/sixfold'))
    const before = readFileSync(join(project, 'platform.ts'), 'utf8')
    const after = before.replace(".over('1h')", ".over('2h')")
    expect(after).not.toBe(before)
    writeFileSync(join(next, 'platform.ts'), after)
    writeFileSync(join(next, 'sixfold.config.ts'), readFileSync(join(project, 'sixfold.config.ts')))
    const s = await stage(2)
    const [first, second] = s.servers as [Server, Server]
    let ended = false
    const counts = new Set<number>()
    const watching = (async () => {
      while (!ended) {
        for (const server of s.servers) {
          const found = await inProduction(server).catch(() => null)
          if (found !== null) counts.add(found.length)
        }
        await sleep(50)
      }
    })()
    try {
      await answers(s.servers, 3, 10_000)
      const applied = await tell(null, s.environment, 'apply', '--project', next)
      expect(applied.ended, applied.said).toBe('well')
      await second.kill()
      await second.start({}, '--project', next)
      // Promoted under the new definitions, and answered under the old ones as well.
      await s.add('--project', next)
      await answers(s.servers, 4, 10_000)
      expect((await rollback(first)).body).toMatchObject({ from: 4, to: 3, pending: false })
      await answers(s.servers, 3, 5_000)
      await first.kill()
      await first.start({}, '--project', next)
      await sleep(1_500)
      expect(s.servers.map(({ seen }) => seen)).toEqual([
        [3, 4, 3],
        [3, 4, 3],
      ])
      expect(await Promise.all(s.servers.map(inProduction))).toEqual([[3], [3]])
      expect(s.servers.flatMap(({ failed }) => failed)).toEqual([])
      await auditIsWhole(first)
    } finally {
      ended = true
      await watching
      await s.close()
      rmSync(next, { recursive: true, force: true })
    }
    expect([...counts]).toEqual([1])
  }, 120_000)
})
