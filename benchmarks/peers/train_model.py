"""Trains the models of the benchmarks: LightGBM, 100 trees of 31 leaves, over twenty numbers, or as many as are named.

    python train_model.py predict/model.onnx
    python train_model.py batch/model.onnx 12
"""

import sys

import lightgbm
import numpy as np
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

FEATURES = int(sys.argv[2]) if len(sys.argv) > 2 else 20

random = np.random.default_rng(7)
x = random.uniform(-1, 1, (50_000, FEATURES)).astype(np.float32)
logit = 2 * x[:, 0] - 1.5 * x[:, 8] + 3 * x[:, 3] * x[:, 10] + x[:, 5:20].sum(axis=1) / 4
logit += np.sin(4 * x[:, min(14, FEATURES - 1)])
y = (random.random(len(x)) < 1 / (1 + np.exp(-logit))).astype(int)
model = lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, n_jobs=1, random_state=7, verbose=-1).fit(x, y)
onnx = convert_lightgbm(
    model, initial_types=[("x", FloatTensorType([None, FEATURES]))], target_opset=15, zipmap=False
)
with open(sys.argv[1], "wb") as file:
    file.write(onnx.SerializeToString())
print(f"{sys.argv[1]}: {len(onnx.SerializeToString())} bytes, outputs {[output.name for output in onnx.graph.output]}")
