/** Triton, as tests start it: the binary of a Python package, with its Python backend running onnxruntime. */
import { missing } from '../../scripts/installed.mjs'
import { startTriton as start } from '../../tests/services/triton.ts'
import type { Server } from '../predict/servers.ts'
import { cpuSecondsOf, memoryMiBOf } from '../processes.ts'
import { openInferenceScore } from './score.ts'

/** Null where it can be started, or why not. */
export const whyNoTriton = (): string | null => missing('triton')

export async function startTriton(model: string, template: string): Promise<Server & { score(answer: never): number }> {
  const service = await start({ light: model })
  return {
    url: `${service.url}/v2/models/light/infer`,
    template,
    cpuSeconds: () => cpuSecondsOf(service.pid()!),
    memoryMiB: () => memoryMiBOf(service.pid()!),
    score: openInferenceScore,
    stop: () => service.close(),
  }
}
