/** `mlflow models serve` of one ONNX model, logged as MLflow logs one, in the environment that it was logged in. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { mlflowFolder, mlflowPython } from '../../scripts/installed.mjs'
import { freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

const save = `
import sys
import mlflow.onnx, onnx
mlflow.onnx.save_model(onnx.load(sys.argv[1]), sys.argv[2], save_as_external_data=False)
`

export async function startMlflowModels(file: string): Promise<Service> {
  const [port, folder] = [await freePort(), await dataFolder('mlflow-models')]
  const saved = join(folder, 'model')
  const { status, stderr } = spawnSync(mlflowPython, ['-c', save, file, saved], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the model cannot be saved: ${stderr.slice(-2_000)}`)
  return startService({
    name: 'mlflow',
    port,
    folder,
    url: `http://127.0.0.1:${port}`,
    command: [
      join(mlflowFolder, 'bin/mlflow'),
      ...[
        'models',
        'serve',
        '--model-uri',
        saved,
        '--env-manager',
        'local',
        '--host',
        '127.0.0.1',
        '--port',
        `${port}`,
      ],
    ],
    // It starts a program by its name.
    env: { PATH: `${join(mlflowFolder, 'bin')}:${process.env['PATH'] ?? ''}` },
    // What answers is a process of the one that was started, and outlives it for a while by any other signal.
    stopSignal: 'SIGKILL',
    healthy: async () => {
      const { status } = await fetch(`http://127.0.0.1:${port}/ping`)
      if (status !== 200) throw new Error(`it answers with ${status}`)
    },
  })
}
