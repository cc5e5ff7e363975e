/** A week of evenings of the flights: batches that are published and looked up, and one that is refused because its input was broken. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

test('each evening is published but for the one whose timetable has no distances', { timeout: 300_000 }, () => {
  const data = mkdtempSync(join(tmpdir(), 'sixfold-evening-'))
  try {
    const out = execFileSync(
      process.execPath,
      [join(root, 'node_modules/jiti/lib/jiti-cli.mjs'), join(root, 'examples/flights/evening.ts')],
      { cwd: root, env: { ...process.env, SIXFOLD_DATA: data }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const evenings = [
      ...out.matchAll(
        /version (\d+) {2}(\d+) routes and airlines {2}(\w+), exit (\d) {2}(.*)\n.*: (0\.\d+), exact, by version (\d+)/g,
      ),
    ]
    expect(
      evenings.map(([, version, , state, exit, , , answering]) => [version, state, exit, answering]),
      out,
    ).toEqual([
      ['1', 'published', '0', '1'],
      ['2', 'published', '0', '2'],
      ['3', 'published', '0', '3'],
      ['4', 'published', '0', '4'],
      ['5', 'refused', '3', '4'],
      ['6', 'published', '0', '6'],
      ['7', 'published', '0', '7'],
    ])
    expect(evenings[4]![5]).toContain("'distance' is 0 in every row")
    for (const [, , rows] of evenings) expect(Number(rows)).toBeGreaterThan(200)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})
