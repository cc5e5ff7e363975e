/** What the installed runtime can compute by: said by itself, and tried, since it names also what it has no libraries for. */
import type { Provider } from '../../ports/model-runtime.ts'
import { providers } from '../../ports/model-runtime.ts'
import { onnxruntime } from './session.ts'

/** The smallest model that there is: y = x. IR 8, opset 17. */
const identity = Buffer.from(
  'CAg6MwoQCgF4EgF5IghJZGVudGl0eRIBaVoNCgF4EggKBggBEgIIAWINCgF5EggKBggBEgIIAUICEBE=',
  'base64',
)

let known: Promise<readonly Provider[]> | null = null

export function offered(): Promise<readonly Provider[]> {
  known ??= tried()
  return known
}

async function tried(): Promise<readonly Provider[]> {
  const ort = await onnxruntime()
  const found: Provider[] = []
  for (const provider of providers) {
    try {
      const session = await ort.InferenceSession.create(identity, {
        executionProviders: [provider],
        logSeverityLevel: 4,
      })
      await session.release()
      found.push(provider)
    } catch {
      // It is named in no answer: whoever asks for it is told.
    }
  }
  return found
}
