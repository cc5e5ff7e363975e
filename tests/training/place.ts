/**
 * A project in a repository of its own: a model with a history, labels over ten days, and whatever command is to train it. Opened as the
 * program opens it, in this process.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TrainingOptions as Recipe } from '../../src/index.ts'
import { count, entity, mean, model, parquet, platform, source, training, view } from '../../src/index.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { linearModel } from '../cli/onnx.ts'
import { parquetFiles } from '../contracts/parquet.ts'

export const start = Date.parse('2024-03-01T00:00:00Z')
export const hour = 3_600_000

const courier = entity('courier', { key: { courier: 'string' } })
const deliveries = source('deliveries', {
  fields: { order: 'int64', courier: 'string', minutes: 'float64', delivered: 'timestamp' },
  time: 'delivered',
  id: 'order',
  history: parquet('history.parquet'),
})
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes }) => ({ mean_ever: mean(minutes).ever(), deliveries_ever: count().ever() }),
})
export const eta = model('eta', {
  inputs: { pace, request: { km: 'float64' } },
  vector: ({ pace, request }) => ({ mean_ever: pace.mean_ever.orElse(20), km: request.km }),
  output: { minutes: 'number' },
  fallback: ({ pace }) => ({ minutes: pace.mean_ever.orElse(30) }),
})

/** 240 label rows, one an hour. */
export const labelRows = 240

export interface Place {
  readonly folder: string
  path(name: string): string
  write(name: string, contents: string | Uint8Array): Promise<void>
  git(...args: readonly string[]): string
  /** Histories and labels; `shift` is added to every value, so that other data are other data. */
  data(shift?: number): Promise<void>
  open(recipe: Partial<Recipe> & { readonly command: readonly string[] }): Promise<Opened>
  dispose(): Promise<void>
}

export async function place(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-training-'))
  const files = await parquetFiles()
  const path = (name: string): string => join(folder, name)
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  const write = async (name: string, contents: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true })
    await writeFile(path(name), contents)
  }
  const data = async (shift = 0): Promise<void> => {
    await files.write(
      path('history.parquet'),
      { order: 'int64', courier: 'string', minutes: 'float64', delivered: 'timestamp' },
      Array.from({ length: 300 }, (_, i) => [
        i,
        i % 2 === 0 ? 'ann' : 'bob',
        10 + (i % 7) + shift,
        start + (i - 50) * hour,
      ]),
    )
    await files.write(
      path('labels.parquet'),
      { courier: 'string', km: 'float64', asked: 'timestamp', minutes: 'float64' },
      Array.from({ length: labelRows }, (_, i) => [
        i % 3 === 0 ? 'ann' : 'bob',
        (i % 11) / 2,
        start + i * hour,
        20 + (i % 5),
      ]),
    )
  }
  await data()
  await write('.gitignore', '.sixfold\n*.parquet\n')
  await write('models/eta.onnx', linearModel('minutes', [1, 2], 3))
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-q', '-m', 'The project')
  const opened: Opened[] = []
  return {
    folder,
    path,
    write,
    git,
    data,
    open: async (recipe) => {
      const recipeOf = training(eta, { labels: parquet('labels.parquet'), at: 'asked', ...recipe })
      const one = await open(platform({ courier, deliveries, pace, eta, recipeOf }), {
        project: folder,
        serving: false,
      })
      opened.push(one)
      return one
    },
    dispose: async () => {
      for (const one of opened) await one.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Not gone, and not merely waiting for somebody to ask how it ended. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
