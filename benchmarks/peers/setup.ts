/**
 * `npx jiti benchmarks/peers/setup.ts [feast] [NAME...]`: makes the peers' Python environments in `.peers/`, from pinned versions; all of
 * them, about 3 GB, or those that are named.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { driftEnvironment, driftPackages } from './drift.ts'
import { environment } from './python.ts'
import { environmentOf, servingPeers } from './serving.ts'

function run(command: string, ...args: readonly string[]): void {
  process.stdout.write(`${command} ${args.join(' ')}\n`)
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error === undefined && status === 0) return
  process.stderr.write(
    `The peers cannot be installed (${error?.message ?? `exit ${status}`}); benchmarks run without them. Python 3.10 to 3.12 is needed, with venv.\n`,
  )
  process.exit(1)
}

/** Says by a file that it is whole. */
function make(folder: string, ...packages: readonly string[]): void {
  rmSync(join(folder, 'made'), { force: true })
  mkdirSync(dirname(folder), { recursive: true })
  run('python3', '-m', 'venv', folder)
  run(join(folder, 'bin/python'), '-m', 'pip', 'install', '--quiet', ...packages)
  writeFileSync(join(folder, 'made'), '')
  process.stdout.write(`${folder} is there\n`)
}

const named = process.argv.slice(2)
const wanted = (name: string): boolean => named.length === 0 || named.includes(name)
if (wanted('feast')) make(environment, '-r', join(import.meta.dirname, 'requirements.txt'))
if (wanted('evidently')) make(driftEnvironment, ...driftPackages)
for (const { name, packages } of servingPeers) if (wanted(name)) make(environmentOf(name), ...packages)
