"""Trains the two models of this example on the flights of January to May 2013, and exports them to ONNX.

    pip install -r requirements.txt
    python train.py              # writes ../models/late.onnx and ../models/late_linear.onnx

What each model is given comes from `sixfold training-set`: the vector of its definition, computed for every flight as of its scheduled
departure. Nothing is prepared here that would have to be prepared again when the model is served.
"""
import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import duckdb
import lightgbm
import numpy as np
import pyarrow.parquet as pq
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType as SklearnFloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
SIXFOLD = shlex.split(os.environ.get("SIXFOLD", "npx sixfold"))
TRAIN_UNTIL, TEST_UNTIL = "2013-05-01", "2013-06-01"


def training_set(model: str, labels: str, out: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """The vector of the model for every label row, whether the flight was late, and whether the row is for training."""
    subprocess.run(
        [*SIXFOLD, "--project", str(PROJECT), "training-set", model, "--labels", labels, "--at", "scheduled_departure", "--zone", "UTC", "--out", out],
        check=True,
    )
    table = pq.read_table(out)
    vector = json.loads(table.schema.metadata[b"sixfold.vector"])
    x = np.column_stack([table[name].to_numpy(zero_copy_only=False).astype(np.float32) for name in vector])
    late = (np.array(table["arr_delay"].to_pylist()) > 15).astype(int)
    train = table["scheduled_departure"].to_numpy() < np.datetime64(TRAIN_UNTIL)
    return x, late, train, vector


def report(name: str, late: np.ndarray, p: np.ndarray, base_rate: float) -> None:
    base = log_loss(late, np.full(len(late), base_rate))
    print(f"{name}: log-loss {log_loss(late, p):.4f} (base rate {base:.4f}), AUC {roc_auc_score(late, p):.4f} on {len(late)} flights of May")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        labels = f"{folder}/labels.parquet"
        duckdb.execute(
            f"COPY (SELECT carrier, tailnum, origin, dest, distance, scheduled_departure, scheduled_arrival, arr_delay FROM '{PROJECT}/data/flights.parquet' "
            f"WHERE scheduled_departure < '{TEST_UNTIL}' AND arr_delay IS NOT NULL) TO '{labels}' (FORMAT parquet)"
        )
        x, late, train, vector = training_set("late", labels, f"{folder}/late.parquet")
        trees = lightgbm.LGBMClassifier(
            n_estimators=100, num_leaves=31, learning_rate=0.05, min_child_samples=200, subsample=0.8, subsample_freq=1,
            colsample_bytree=0.7, reg_lambda=5.0, random_state=1, n_jobs=2, verbose=-1, deterministic=True, force_row_wise=True,
        ).fit(x[train], late[train])
        report("late (100 trees)", late[~train], trees.predict_proba(x[~train])[:, 1], late[train].mean())
        onnx = convert_lightgbm(trees, initial_types=[("x", FloatTensorType([None, len(vector)]))], target_opset=15, zipmap=False)
        write("late", onnx)

        x, late, train, vector = training_set("late_linear", labels, f"{folder}/late_linear.parquet")
        linear = LogisticRegression(C=1.0, max_iter=2000).fit(x[train], late[train])
        report("late_linear", late[~train], linear.predict_proba(x[~train])[:, 1], late[train].mean())
        onnx = convert_sklearn(linear, initial_types=[("x", SklearnFloatTensorType([None, len(vector)]))], target_opset=15, options={"zipmap": False})
        write("late_linear", onnx)


def write(name: str, onnx) -> None:
    path = PROJECT / "models" / f"{name}.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(onnx.SerializeToString())
    print(f"wrote {path.relative_to(PROJECT)}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
