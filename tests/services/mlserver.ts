/** MLServer with ONNX models, by a runtime of a few lines: it has none of its own for ONNX. Its metadata are those of the files. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mlserverFolder } from '../../scripts/installed.mjs'
import { freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

const runtime = `
import os
import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor

kinds = {"tensor(float)": "FP32", "tensor(double)": "FP64", "tensor(int64)": "INT64", "tensor(int32)": "INT32",
         "tensor(bool)": "BOOL", "tensor(string)": "BYTES"}
arrays = {"FP32": np.float32, "FP64": np.float64, "INT64": np.int64, "INT32": np.int32, "BOOL": np.bool_}

def described(values):
    return [MetadataTensor(name=v.name, datatype=kinds[v.type],
                           shape=[d if isinstance(d, int) else -1 for d in v.shape]) for v in values]

def value_of(given):
    if given.datatype == "BYTES":
        return np.array(StringCodec.decode_input(given), dtype=object).reshape(given.shape)
    return np.array(given.data.root, dtype=arrays[given.datatype]).reshape(given.shape)

class Onnx(MLModel):
    async def load(self):
        file = os.path.join(os.path.dirname(os.path.abspath(__file__)), self.name, "model.onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.inputs = described(self.session.get_inputs())
        self.outputs = described(self.session.get_outputs())
        return True

    async def predict(self, request: InferenceRequest) -> InferenceResponse:
        names = [o.name for o in request.outputs or self.outputs]
        try:
            answers = self.session.run(names, {i.name: value_of(i) for i in request.inputs})
        except Exception as error:
            raise InferenceError(str(error))
        def encoded(name, value):
            if value.dtype == object:
                return StringCodec.encode_output(name, value.tolist(), use_bytes=False)
            return NumpyCodec.encode_output(name, value)
        return InferenceResponse(model_name=self.name, outputs=[encoded(n, v) for n, v in zip(names, answers)])
`

/** `files`: of each model by its name. */
export async function startMlserver(files: { readonly [model: string]: string }): Promise<Service> {
  const [port, grpc, metrics, folder] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await dataFolder('mlserver'),
  ]
  await writeFile(join(folder, 'onnx_runtime.py'), runtime)
  const settings = { http_port: port, grpc_port: grpc, metrics_port: metrics, host: '127.0.0.1', parallel_workers: 0 }
  await writeFile(join(folder, 'settings.json'), JSON.stringify({ ...settings, debug: false }))
  for (const [name, file] of Object.entries(files)) {
    await mkdir(join(folder, name))
    await copyFile(file, join(folder, name, 'model.onnx'))
    const model = { name, implementation: 'onnx_runtime.Onnx' }
    await writeFile(join(folder, name, 'model-settings.json'), JSON.stringify(model))
  }
  return startService({
    name: 'mlserver',
    port,
    folder,
    url: `http://127.0.0.1:${port}`,
    command: [join(mlserverFolder, 'bin/mlserver'), 'start', folder],
    env: { PYTHONPATH: folder },
    stopSignal: 'SIGTERM',
    healthy: async () => {
      const { status } = await fetch(`http://127.0.0.1:${port}/v2/health/ready`)
      if (status !== 200) throw new Error(`it answers with ${status}`)
    },
  })
}
