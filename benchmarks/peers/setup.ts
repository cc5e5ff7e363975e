/** `npx jiti benchmarks/peers/setup.ts`: makes the peers' Python environment in `.peers/`, from pinned versions. About 1 GB. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { environment, python, stamp } from './python.ts'

function run(command: string, ...args: readonly string[]): void {
  process.stdout.write(`${command} ${args.join(' ')}\n`)
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error === undefined && status === 0) return
  process.stderr.write(
    `The peers cannot be installed (${error?.message ?? `exit ${status}`}); benchmarks run without them. Python 3.10 to 3.12 is needed, with venv.\n`,
  )
  process.exit(1)
}

rmSync(stamp, { force: true })
mkdirSync(dirname(environment), { recursive: true })
run('python3', '-m', 'venv', environment)
run(python, '-m', 'pip', 'install', '--quiet', '-r', join(import.meta.dirname, 'requirements.txt'))
writeFileSync(stamp, '')
process.stdout.write(`The peers are in ${environment}\n`)
