"""Trains the model that every server of the predict benchmark serves: LightGBM, 100 trees of 31 leaves over twenty numbers.

    python train_model.py predict/model.onnx
"""

import sys

import lightgbm
import numpy as np
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

FEATURES = 20

random = np.random.default_rng(7)
x = random.uniform(-1, 1, (50_000, FEATURES)).astype(np.float32)
logit = 2 * x[:, 0] - 1.5 * x[:, 8] + np.sin(4 * x[:, 14]) + 3 * x[:, 3] * x[:, 10] + x[:, 5:20].sum(axis=1) / 4
y = (random.random(len(x)) < 1 / (1 + np.exp(-logit))).astype(int)
model = lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, n_jobs=1, random_state=7, verbose=-1).fit(x, y)
onnx = convert_lightgbm(
    model, initial_types=[("x", FloatTensorType([None, FEATURES]))], target_opset=15, zipmap=False
)
with open(sys.argv[1], "wb") as file:
    file.write(onnx.SerializeToString())
print(f"{sys.argv[1]}: {len(onnx.SerializeToString())} bytes, outputs {[output.name for output in onnx.graph.output]}")
