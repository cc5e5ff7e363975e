/** ONNX models: called on this thread, on others or in other processes, and looked at and tried where a bad file harms nobody. */
import { SixfoldError } from '../../kernel/errors.ts'
import type { LoadedModel, LoadOptions, ModelRuntime, Provider } from '../../ports/model-runtime.ts'
import { loadApart } from './apart.ts'
import { isolation } from './isolation.ts'
import type { Supervision } from './process.ts'
import { supervision } from './process.ts'
import { processChannel } from './process-channel.ts'
import { offered } from './providers.ts'
import { loadHere } from './session.ts'
import { threadChannel } from './thread-channel.ts'

export function onnxModelRuntime(supervised: Supervision = supervision): ModelRuntime {
  return { load, providers: offered, ...isolation(supervised) }
}

function load(path: string, { place, providers }: LoadOptions): Promise<LoadedModel> {
  switch (place) {
    case 'inline':
      return loadInline(path, providers)
    case 'thread':
      return loadApart(threadChannel, path, providers)
    case 'process':
      return loadApart(processChannel, path, providers)
  }
}

async function loadInline(path: string, providers: readonly Provider[]): Promise<LoadedModel> {
  const loaded = await loadHere(path, providers)
  let closed = false
  let underWay = 0
  let idle: (() => void) | null = null
  return {
    ...loaded,
    run: async (inputs, outputs) => {
      if (closed) throw new SixfoldError('SX_RUNTIME_LOST', 'What computed the model is gone: it was closed.')
      underWay++
      try {
        return await loaded.run(inputs, outputs)
      } catch (error) {
        const told = error instanceof Error ? error.message.split('\n')[0]!.slice(0, 1_000) : String(error)
        throw new SixfoldError('SX_MODEL_FAILED', `The model failed: ${told}`, { cause: error })
      } finally {
        if (--underWay === 0) idle?.()
      }
    },
    close: async () => {
      if (closed) return
      closed = true
      if (underWay > 0)
        await new Promise<void>((resolve) => {
          idle = resolve
        })
      await loaded.close()
    },
  }
}
