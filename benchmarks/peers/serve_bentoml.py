"""The same model behind BentoML with its adaptive batching, one worker."""
import os

import bentoml
import numpy


@bentoml.service(workers=1, traffic={"timeout": 30}, logging={"access": {"enabled": False}})
class Score:
    def __init__(self):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=100)
    def predict(self, inputs: numpy.ndarray) -> numpy.ndarray:
        return self.session.run(["probabilities"], {self.name: numpy.asarray(inputs, numpy.float32)})[0]
