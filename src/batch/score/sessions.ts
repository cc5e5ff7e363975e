/** Sessions of one model on threads of their own: a call goes to the one with the fewest that wait. */
import type { LoadedModel, ModelRuntime, Tensors } from '../../ports/model-runtime.ts'

export interface Sessions {
  readonly first: LoadedModel
  run(inputs: Tensors, outputs: readonly string[]): Promise<Tensors>
  /** Milliseconds that all sessions together have computed. */
  readonly computedMs: number
  close(): Promise<void>
}

export async function sessions(runtime: ModelRuntime, path: string, count: number): Promise<Sessions> {
  const load = (): Promise<LoadedModel> => runtime.load(path, { place: 'thread', providers: ['cpu'] })
  const first = await load()
  const others = await Promise.all(Array.from({ length: Math.max(0, count - 1) }, load))
  const lanes = [first, ...others].map((model) => ({ model, waiting: 0, freeAt: 0 }))
  let computedMs = 0
  return {
    first,
    get computedMs() {
      return computedMs
    },
    run: async (inputs, outputs) => {
      const lane = lanes.reduce((least, one) => (one.waiting < least.waiting ? one : least))
      lane.waiting++
      const asked = performance.now()
      try {
        return await lane.model.run(inputs, outputs)
      } finally {
        lane.waiting--
        const now = performance.now()
        computedMs += now - Math.max(asked, lane.freeAt)
        lane.freeAt = now
      }
    },
    close: async () => {
      await Promise.all(lanes.map(({ model }) => model.close()))
    },
  }
}
