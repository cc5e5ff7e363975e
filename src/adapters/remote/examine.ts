/** What the servers say of themselves on which models may be, for `sixfold doctor`. */
import { ask, connection } from './connection.ts'
import type { Tokens } from './describe.ts'
import { tokenFor } from './describe.ts'
import { networkWord } from './errors.ts'
import { readJson } from './json.ts'

export interface RemoteReport {
  readonly url: string
  /** 'Open Inference v2: triton 2.51.0, with binary tensors'; null where it does not answer. */
  readonly says: string | null
  /** Of the last question, in milliseconds. */
  readonly milliseconds: number
  /** Null: none. */
  readonly problem: string | null
}

const patienceMs = 3_000

/** All at once. Never rejects. */
export const examineRemotes = (remotes: readonly string[], tokens: Tokens = {}): Promise<readonly RemoteReport[]> =>
  Promise.all(remotes.map((url) => examine(url, tokenFor({ url }, tokens))))

async function examine(url: string, token: string | null): Promise<RemoteReport> {
  const net = connection(url, 1, token)
  let milliseconds = 0
  const get = async (path: string) => {
    const began = performance.now()
    const request = { method: 'GET', path, headers: { accept: 'application/json' }, body: null } as const
    const answer = await ask(net, request, patienceMs)
    milliseconds = performance.now() - began
    return answer
  }
  const report = (says: string | null, problem: string | null = null): RemoteReport => ({
    ...{ url, says, milliseconds, problem },
  })
  try {
    const server = await get('/v2')
    if (server.status === 200) {
      const { name, version, extensions } = readJson(server.body)
      const binary = Array.isArray(extensions) && extensions.includes('binary_tensor_data')
      const says = `Open Inference v2: ${String(name)} ${String(version)}, ${binary ? 'with binary tensors' : 'by JSON'}`
      const ready = await get('/v2/health/ready')
      return report(says, ready.status === 200 ? null : `it is not ready, it answers with ${ready.status}`)
    }
    const mlflow = await get('/version')
    const word = mlflow.body.toString('utf8', 0, 100).trim()
    if (mlflow.status === 200 && /^\d+\.\d+[\w.]*$/.test(word)) return report(`MLflow ${word}`)
    if (server.status === 401 || server.status === 403)
      return report(
        `HTTP: ${server.status}`,
        `it wants a token, and ${token === null ? 'has none' : 'does not take this one'}`,
      )
    // TensorFlow Serving answers for models alone.
    return report(`HTTP: ${server.status}`)
  } catch (error) {
    return report(null, `it does not answer as a server of models does (${networkWord(error as Error)})`)
  } finally {
    net.destroy()
  }
}
