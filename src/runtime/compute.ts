/** How a model is computed here: what the configuration says of it, and what is usual. */
import type { Compute, WorkerBounds } from '../inference/index.ts'
import { standardCompute } from '../inference/index.ts'
import type { Limits } from '../kernel/limits.ts'
import type { Provider } from '../ports/model-runtime.ts'

/** Where a model is computed, and with how much of the machine. */
export interface ModelConfig {
  /**
   * 'inline', on the thread that receives requests, which waits meanwhile; 'thread', in threads of its own; 'process', in processes of
   * its own, which a model that crashes or hangs takes with it alone. By default 'auto': inline where calls were measured to be short, or
   * else threads.
   */
  readonly place?: 'auto' | 'inline' | 'thread' | 'process'
  /** Threads or processes: as many as that, or as many as the queue needs between two bounds. By default 1 to one less than the processors. */
  readonly workers?: number | WorkerBounds
  /** Execution providers, the preferred first. By default ['cpu']. */
  readonly providers?: readonly Provider[]
  /** Rows of one call, instead of the limit `batchRows`. */
  readonly batchRows?: number
  /** Rows that wait, instead of the limit `queueRows`. */
  readonly queueRows?: number
}

export function computeOf(config: ModelConfig | undefined, limits: Limits): Compute {
  const { workers, ...rest } = config ?? {}
  const bounds = typeof workers === 'number' ? { min: workers, max: workers } : workers
  return { ...standardCompute(limits), ...rest, ...(bounds === undefined ? {} : { workers: bounds }) }
}
