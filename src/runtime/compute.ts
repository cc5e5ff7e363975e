/** How a model is computed here: what the configuration says of it, and what is usual. */
import type { Compute } from '../inference/index.ts'
import { standardCompute } from '../inference/index.ts'
import type { Limits } from '../kernel/limits.ts'
import type { ModelConfig } from './config.ts'

export function computeOf(config: ModelConfig | undefined, limits: Limits): Compute {
  const { workers, ...rest } = config ?? {}
  const bounds = typeof workers === 'number' ? { min: workers, max: workers } : workers
  return { ...standardCompute(limits), ...rest, ...(bounds === undefined ? {} : { workers: bounds }) }
}
