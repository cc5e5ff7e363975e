/**
 * `npm test`: installs, builds, and runs everything. Each check of the tree (format, types, directions) counts as one test beside
 * those of vitest. The last line is `N passed, N failed`, with `, N skipped` where a machine lacks a part that a test needs;
 * under SIXFOLD_REQUIRE_ALL=1 such a test fails instead. Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing, names } from './installed.mjs'
import { bin, build, install, root, say } from './prepare.mjs'

install()
build()

let passed = 0
let failed = 0
let skipped = 0

for (const [name, command] of [
  ['Format and lint', bin('biome', 'check')],
  ['Types', bin('tsc', '-p', '.')],
  ['Import directions', bin('depcruise', 'src', '--config', '.dependency-cruiser.cjs')],
  ['The package as published', bin('publint', '--strict')],
]) {
  say(name)
  const { status } = spawnSync(...command, { cwd: root, stdio: 'inherit' })
  if (status === 0) passed++
  else failed++
}

say('Tests')
const folder = mkdtempSync(join(tmpdir(), 'sixfold-test-'))
const report = join(folder, 'report.json')
const arguments_ = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const { status } = spawnSync(...bin('vitest', ...arguments_, ...process.argv.slice(2)), { cwd: root, stdio: 'inherit' })
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  passed += numPassedTests
  failed += numFailedTests
  skipped += numPendingTests + numTodoTests
  // A file that could not be loaded has no tests to count.
  failed += testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((one) => one.status !== 'failed'),
  ).length
} catch (error) {
  process.stderr.write(`vitest left no report: ${error.message}\n`)
  failed++
}
if (status !== 0 && failed === 0) failed++
rmSync(folder, { recursive: true, force: true })

if (skipped > 0 && process.env.SIXFOLD_REQUIRE_ALL === '1') {
  process.stderr.write(`${skipped} tests were skipped where all were required.\n`)
  failed += skipped
  skipped = 0
}
const lacks = names.map(missing).filter((lack) => lack !== null)
if (skipped > 0 && lacks.length > 0)
  process.stdout.write(`\nSkipped is what needs:\n${lacks.map((lack) => `  ${lack}\n`).join('')}`)
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exitCode = failed === 0 ? 0 : 1
