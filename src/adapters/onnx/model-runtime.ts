/** ONNX models: called in this process, and looked at and tried in others. */
import type { ModelRuntime } from '../../ports/model-runtime.ts'
import { isolation } from './isolation.ts'
import type { Supervision } from './process.ts'
import { supervision } from './process.ts'
import { loadHere } from './session.ts'

export function onnxModelRuntime(supervised: Supervision = supervision): ModelRuntime {
  return {
    load: loadHere,
    providers: async () => ['cpu'],
    structure: async () => null,
    ...isolation(supervised),
  }
}
