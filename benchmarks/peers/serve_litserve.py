"""The same model behind LitServe, one worker: python serve_litserve.py PORT"""
import os
import sys

import litserve
import numpy
import onnxruntime


class Score(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    def decode_request(self, request):
        return numpy.asarray(request["inputs"][0], numpy.float32)

    def batch(self, rows):
        return numpy.stack(rows)

    def predict(self, rows):
        return self.session.run(["probabilities"], {self.name: rows})[0]

    def unbatch(self, outputs):
        return list(outputs)

    def encode_response(self, output):
        return {"outputs": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Score(max_batch_size=32, batch_timeout=0.002), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), log_level="warning", generate_client_file=False, access_log=False)
