/** Models here and on other servers, told apart by what their files hold. */
import { isSixfoldError } from '../../kernel/errors.ts'
import type { Inspection, IsolatedModel, LoadedModel, ModelRuntime } from '../../ports/model-runtime.ts'
import type { Tokens } from './describe.ts'
import { checkAllowed, checkRegistered, tokenFor } from './describe.ts'
import type { RemoteFile } from './remote-file.ts'
import { readRemoteFile } from './remote-file.ts'
import { remoteSession } from './session.ts'

/** How long loading one waits for its server to say what it has. */
const loadMs = 1_000

/** `remotes`: the addresses that may be asked. */
export function withRemotes(local: ModelRuntime, remotes: readonly string[], tokens: Tokens = {}): ModelRuntime {
  const read = async (path: string): Promise<RemoteFile | null> => {
    const file = await readRemoteFile(path)
    if (file !== null) checkAllowed(file, remotes)
    return file
  }
  const load = async (file: RemoteFile): Promise<LoadedModel> => {
    try {
      await checkRegistered(file, tokenFor(file, tokens), loadMs)
    } catch (error) {
      // Away now, it may be there when it is asked: until then the fallback answers.
      if (!isSixfoldError(error) || error.code !== 'SX_REMOTE_UNAVAILABLE') throw error
    }
    return remoteSession(file, tokenFor(file, tokens))
  }
  return {
    load: async (path, options) => {
      const file = await read(path)
      return file === null ? local.load(path, options) : load(file)
    },
    inspect: async (path) => {
      const file = await read(path)
      if (file === null) return local.inspect(path)
      await checkRegistered(file, tokenFor(file, tokens))
      return inspectionOf(file)
    },
    isolate: async (path) => {
      const file = await read(path)
      if (file === null) return local.isolate(path)
      await checkRegistered(file, tokenFor(file, tokens))
      return isolated(file, tokenFor(file, tokens))
    },
    structure: async (path) => ((await readRemoteFile(path)) === null ? local.structure(path) : null),
    providers: local.providers,
  }
}

const inspectionOf = ({ protocol, url, inputs, outputs }: RemoteFile): Inspection => ({
  format: 'remote',
  inputs,
  outputs,
  opset: null,
  ir: null,
  domains: {},
  operators: [],
  external: [],
  producer: `${protocol} at ${url}`,
})

/** What it does there it does to no process of this machine. */
function isolated(file: RemoteFile, token: string | null): IsolatedModel {
  const session = remoteSession(file, token)
  return {
    ...session,
    inspection: inspectionOf(file),
    measure: async (inputs, outputs, calls) => {
      const milliseconds: number[] = []
      for (let call = 0; call < calls; call++) {
        const began = performance.now()
        await session.run(inputs, outputs)
        milliseconds.push(performance.now() - began)
      }
      return { milliseconds, memoryBytes: 0 }
    },
  }
}
