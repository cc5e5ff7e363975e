/** The protocols by name. */
import { mlflow } from './mlflow.ts'
import { openInference } from './open-inference.ts'
import type { Protocol } from './protocol.ts'
import type { ProtocolName } from './remote-file.ts'
import { tfServing } from './tf-serving.ts'

export const protocolsByName: { readonly [P in ProtocolName]: Protocol } = {
  v2: openInference,
  tfserving: tfServing,
  mlflow,
}
