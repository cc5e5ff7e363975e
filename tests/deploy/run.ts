/** Programs that check deploy/, and a folder to check changed copies in. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { validators } from '../../scripts/installed.mjs'

export const root = join(import.meta.dirname, '../..')
export const deploy = join(root, 'deploy')

export interface Ran {
  readonly code: number | null
  readonly out: string
}

export function check(program: 'kustomize' | 'kubeconform' | 'compose' | 'hadolint', ...args: readonly string[]): Ran {
  return run(join(validators, program), ...args)
}

export function run(file: string, ...args: readonly string[]): Ran {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error) throw error
  return { code: status, out: stdout + stderr }
}

/** The text with one thing changed, which must be there. */
export function changed(text: string, from: string | RegExp, to: string): string {
  const other = text.replace(from, to)
  if (other === text) throw new Error(`There is no ${from} to change.`)
  return other
}
