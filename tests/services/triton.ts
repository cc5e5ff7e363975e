/**
 * Triton, as it comes in a package of Python's: without a backend for ONNX, so that its Python backend runs onnxruntime. Its
 * configuration is made from the file: batches of up to 64 rows, whatever is there, without delay.
 */
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tritonFolder, tritonPython } from '../../scripts/installed.mjs'
import { freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

const backend = `
import os
import numpy
import onnxruntime
import triton_python_backend_utils as triton

class TritonPythonModel:
    def initialize(self, args):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.onnx")
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.inputs = [one.name for one in self.session.get_inputs()]

    def execute(self, requests):
        given = [[triton.get_input_tensor_by_name(one, name).as_numpy() for name in self.inputs] for one in requests]
        sizes = [len(one[0]) for one in given]
        names = list(dict.fromkeys(name for one in requests for name in one.requested_output_names()))
        whole = self.session.run(names, {name: numpy.concatenate([one[i] for one in given]) for i, name in enumerate(self.inputs)})
        answers, start = [], 0
        for one, size in zip(requests, sizes):
            wanted = [triton.Tensor(name, numpy.ascontiguousarray(value[start:start + size])) for name, value in zip(names, whole)
                      if name in one.requested_output_names()]
            answers.append(triton.InferenceResponse(wanted))
            start += size
        return answers
`

const describe = `
import json, sys, sysconfig
import onnxruntime
kinds = {"tensor(float)": "FP32", "tensor(double)": "FP64", "tensor(int64)": "INT64", "tensor(int32)": "INT32",
         "tensor(bool)": "BOOL", "tensor(string)": "STRING"}
session = onnxruntime.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])
def tensors(values):
    # A shape of nothing but rows has one column here, which is taken off again.
    return ", ".join('{ name: "%s" data_type: TYPE_%s dims: [%s]%s }' % (v.name, kinds[v.type],
        ", ".join(str(d) if isinstance(d, int) else "-1" for d in v.shape[1:]) or "1",
        "" if len(v.shape) > 1 else " reshape: { shape: [] }") for v in values)
print(json.dumps({"packages": sysconfig.get_path("purelib"), "base": sys.base_prefix,
    "library": sysconfig.get_config_var("LIBDIR"), "config": """name: "%s"
backend: "python"
max_batch_size: 64
input [ %s ]
output [ %s ]
dynamic_batching { }
instance_group [ { kind: KIND_CPU count: 1 } ]
""" % (sys.argv[1], tensors(session.get_inputs()), tensors(session.get_outputs()))}))
`

export interface Triton extends Service {
  /** Of gRPC: host and port. */
  readonly grpc: string
}

/** `files`: of each model by its name. Models are loaded and unloaded when a client says so. */
export async function startTriton(files: { readonly [model: string]: string }): Promise<Triton> {
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()]
  const folder = await dataFolder('triton')
  let places: { readonly packages: string; readonly base: string; readonly library: string } | null = null
  for (const [name, file] of Object.entries(files)) {
    const { status, stdout, stderr } = spawnSync(tritonPython, ['-c', describe, name, file], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`Triton cannot serve ${file}: ${stderr.slice(-2_000)}`)
    const { config, ...where } = JSON.parse(stdout)
    places = where
    await mkdir(join(folder, name, '1'), { recursive: true })
    await writeFile(join(folder, name, 'config.pbtxt'), config)
    // The backend has a Python of its own, which does not look into the environment.
    const here = `import sys; sys.path.insert(0, ${JSON.stringify(where.packages)})`
    await writeFile(join(folder, name, '1/model.py'), `${here}\n${backend}`)
    await copyFile(file, join(folder, name, '1/model.onnx'))
  }
  const { packages, base, library } = places!
  const service = await startService({
    name: 'triton',
    port,
    folder,
    url: `http://127.0.0.1:${port}`,
    command: [
      join(packages, 'pytriton/tritonserver/bin/tritonserver'),
      ...['--model-repository', folder, '--backend-directory', join(tritonFolder, 'backends')],
      ...['--model-control-mode=explicit', '--load-model=*', '--allow-gpu-metrics=false'],
      ...['--http-address', '127.0.0.1', '--grpc-address', '127.0.0.1', '--metrics-address', '127.0.0.1'],
      ...['--http-port', `${port}`, '--grpc-port', `${grpc}`, '--metrics-port', `${metrics}`],
    ],
    env: { LD_LIBRARY_PATH: `${library}:${join(packages, 'nvidia_pytriton.libs')}`, PYTHONHOME: base },
    stopSignal: 'SIGTERM',
    healthy: async () => {
      const { status } = await fetch(`http://127.0.0.1:${port}/v2/health/ready`)
      if (status !== 200) throw new Error(`it answers with ${status}`)
    },
  })
  return { ...service, grpc: `127.0.0.1:${grpc}` }
}
