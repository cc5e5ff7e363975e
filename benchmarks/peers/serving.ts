/**
 * What people serve an ONNX file with instead, each in an environment of its own under `.peers/`: their dependencies do not agree. Each
 * puts the same file behind a port, takes one row as JSON, and computes with one thread.
 */
import { join } from 'node:path'

export interface ServingPeer {
  readonly name: string
  /** As it is called in a table. */
  readonly title: string
  /** Of its environment. */
  readonly packages: readonly string[]
  /** Program and arguments, from its environment's `bin`, listening on the port. */
  readonly command: (port: number, folder: string) => readonly string[]
  /** What must be there before: a program of its environment with arguments, run in a folder of the run. */
  readonly prepare?: (model: string, folder: string) => readonly string[]
  readonly environment?: (port: number) => NodeJS.ProcessEnv
  /** Asked until it answers. */
  readonly ready: string
  readonly path: string
  readonly body: (row: readonly number[]) => object
  /** The probability in its answer. */
  readonly score: (answer: never) => number
}

const here = (file: string): string => join(import.meta.dirname, file)
const runtime = ['onnxruntime==1.23.2', 'numpy==2.2.6']
const inputs = (row: readonly number[]): object => ({ inputs: [row] })
const openInference = (row: readonly number[]): object => ({
  inputs: [{ name: 'x', shape: [1, row.length], datatype: 'FP32', data: row }],
})

export const servingPeers: readonly ServingPeer[] = [
  {
    name: 'fastapi',
    title: 'FastAPI + onnxruntime, one process',
    packages: ['fastapi==0.165.0', 'uvicorn[standard]==0.54.0', ...runtime],
    command: (port) => [
      'uvicorn',
      'serve_fastapi:app',
      '--port',
      String(port),
      '--no-access-log',
      '--log-level',
      'warning',
    ],
    ready: '/docs',
    path: '/predict',
    body: inputs,
    score: ({ outputs }: { readonly outputs: readonly (readonly number[])[] }) => outputs[0]![1]!,
  },
  {
    name: 'litserve',
    title: 'LitServe 0.2.19, batches of 32 within 2 ms',
    packages: ['litserve==0.2.19', ...runtime],
    command: (port) => ['python', here('serve_litserve.py'), String(port)],
    ready: '/health',
    path: '/predict',
    body: inputs,
    score: ({ outputs }: { readonly outputs: readonly number[] }) => outputs[1]!,
  },
  {
    name: 'bentoml',
    title: 'BentoML 1.4.39, adaptive batches to 64',
    packages: ['bentoml==1.4.39', ...runtime],
    command: (port) => ['bentoml', 'serve', 'serve_bentoml:Score', '--port', String(port)],
    environment: () => ({ BENTOML_DO_NOT_TRACK: 'true' }),
    ready: '/readyz',
    path: '/predict',
    body: inputs,
    score: (outputs: readonly (readonly number[])[]) => outputs[0]![1]!,
  },
  {
    name: 'mlserver',
    title: 'MLServer 1.7.1, a custom runtime, batches of 32 within 2 ms',
    packages: ['mlserver==1.7.1', ...runtime],
    command: () => ['mlserver', 'start', here('mlserver')],
    environment: (port) => ({
      MLSERVER_HTTP_PORT: String(port),
      MLSERVER_GRPC_PORT: String(port + 1),
      MLSERVER_METRICS_PORT: String(port + 2),
      MLSERVER_PARALLEL_WORKERS: '0',
      MLSERVER_DEBUG: 'false',
      PYTHONPATH: here('mlserver'),
    }),
    ready: '/v2/models/score/ready',
    path: '/v2/models/score/infer',
    body: openInference,
    score: ({ outputs }: { readonly outputs: readonly { readonly data: readonly number[] }[] }) => outputs[0]!.data[1]!,
  },
  {
    name: 'mlflow',
    title: 'mlflow models serve 3.17.2, the onnx flavour',
    packages: ['mlflow==3.17.2', 'onnx==1.19.1', ...runtime],
    prepare: (model, folder) => ['python', here('save_mlflow.py'), model, join(folder, 'mlflow')],
    command: (port, folder) => [
      ...['mlflow', 'models', 'serve', '-m', join(folder, 'mlflow'), '--env-manager', 'local', '--port', String(port)],
    ],
    ready: '/ping',
    path: '/invocations',
    body: inputs,
    score: ({ predictions }: { readonly predictions: { readonly probabilities: readonly (readonly number[])[] } }) =>
      predictions.probabilities[0]![1]!,
  },
]

export const environmentOf = (name: string): string => join(import.meta.dirname, '../../.peers', name)
export const programOf = (name: string, program: string): string => join(environmentOf(name), 'bin', program)
