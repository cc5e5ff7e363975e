/**
 * Model files in processes of their own. Looking at a file borrows a process that is kept warm, because starting one takes longer than
 * most files do; a file that ends it is tried once more in a new one, so that no file answers for another. A model that is called has a
 * process to itself, whose memory is then its own.
 */
import { availableParallelism } from 'node:os'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import type { Inspection, IsolatedModel, Tensor } from '../../ports/model-runtime.ts'
import type { ModelStructure } from '../../ports/model-structure.ts'
import type { ModelProcess, Supervision } from './process.ts'
import { Died, startProcess } from './process.ts'

export interface Isolation {
  inspect(path: string): Promise<Inspection>
  isolate(path: string): Promise<IsolatedModel>
  structure(path: string): Promise<ModelStructure | null>
}

/** What a process has loaded leaves traces; after so many files a new one begins. */
const loadsPerProcess = 200
const idleMs = 30_000

export function isolation(supervised: Supervision): Isolation {
  const idle: { readonly process: ModelProcess; readonly timer: NodeJS.Timeout }[] = []
  const queue: (() => void)[] = []
  let free = Math.max(2, Math.min(4, availableParallelism()))

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) free++
      else next()
    }
  }
  const start = async (): Promise<ModelProcess> => {
    try {
      return await startProcess(supervised)
    } catch (error) {
      throw new SixfoldError(
        'SX_RUNTIME_MISSING',
        `A process for model files cannot be started: ${messageOf(error)}.`,
        {
          cause: error,
        },
      )
    }
  }
  const borrow = async (): Promise<ModelProcess> => {
    for (;;) {
      const found = idle.pop()
      if (found === undefined) return start()
      clearTimeout(found.timer)
      if (found.process.alive) return found.process
    }
  }
  const giveBack = (process: ModelProcess): void => {
    if (!process.alive) return
    if (process.loads >= loadsPerProcess) {
      process.end()
      return
    }
    process.idle()
    const entry = {
      process,
      timer: setTimeout(() => {
        idle.splice(idle.indexOf(entry), 1)
        process.end()
      }, idleMs).unref(),
    }
    idle.push(entry)
  }

  const look = async <T>(path: string, load: (process: ModelProcess, path: string) => Promise<T>): Promise<T> => {
    let process = await borrow()
    try {
      if (process.loads > 0) {
        try {
          return await load(process, path)
        } catch (error) {
          if (!(error instanceof Died)) throw error
          process = await start()
        }
      }
      return await load(process, path)
    } catch (error) {
      throw named(path, error)
    } finally {
      if (process.alive) await process.ask({ do: 'unload' }).catch(() => process.end())
      giveBack(process)
    }
  }

  async function isolate(path: string): Promise<IsolatedModel> {
    const process = await start()
    const ask = async <T>(asked: Promise<unknown>): Promise<T> => {
      try {
        return (await asked) as T
      } catch (error) {
        throw named(path, error)
      }
    }
    try {
      const inspection = await ask<Inspection>(load(process, path))
      return {
        inspection,
        place: 'process',
        concurrency: 1,
        inputs: inspection.inputs,
        outputs: inspection.outputs,
        run: (inputs, outputs) => ask<{ readonly [name: string]: Tensor }>(process.ask({ do: 'run', inputs, outputs })),
        measure: (inputs, outputs, calls) => ask(process.ask({ do: 'measure', inputs, outputs, calls })),
        close: async () => process.end(),
        abandon: () => process.end(),
      }
    } catch (error) {
      process.end()
      throw error
    }
  }
  return {
    inspect: (path) => inTurn(() => look(path, load)),
    isolate,
    structure: (path) => inTurn(() => look(path, structureIn)),
  }
}

const load = (process: ModelProcess, path: string): Promise<Inspection> =>
  process.ask({ do: 'load', path }) as Promise<Inspection>

const structureIn = (process: ModelProcess, path: string): Promise<ModelStructure | null> =>
  process.ask({ do: 'structure', path }) as Promise<ModelStructure | null>

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function named(path: string, error: unknown): unknown {
  if (error instanceof Died)
    return new SixfoldError('SX_ARTIFACT_INVALID', `'${path}' cannot be used: ${error.message}.`, { cause: error })
  if (!isSixfoldError(error)) return error
  const what = error.code === 'SX_RUNTIME_MISSING' ? error.message : `'${path}' cannot be used: ${error.message}.`
  return new SixfoldError(error.code, what, { fix: error.fix, cause: error })
}
