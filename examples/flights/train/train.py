"""Trains one model of this example on the rows that `sixfold train` hands it, and logs it through MLflow's own client.

    pip install -r requirements.txt
    npx sixfold train late          # or late_linear, from the folder of the example

Each row has the vector of the model's definition, as of the flight's scheduled departure, and `late`: whether it arrived more than a
quarter of an hour late. Nothing is prepared here that would have to be prepared again when the model is served. TREES is how many trees
`late` has.
"""
import json
import os

import mlflow
import mlflow.onnx
import numpy as np
import pyarrow.parquet as pq
from mlflow.models import infer_signature
from sklearn.metrics import log_loss, roc_auc_score

MODEL = os.environ["SIXFOLD_MODEL"]
SEED = int(os.environ.get("SIXFOLD_SEED", "1"))
TREES = int(os.environ.get("TREES", "100"))


def rows(path: str) -> tuple[np.ndarray, np.ndarray]:
    """The vectors, one a row, and whether each flight was late."""
    table = pq.read_table(path)
    vector = json.loads(table.schema.metadata[b"sixfold.vector"])
    x = np.column_stack([table[name].to_numpy(zero_copy_only=False).astype(np.float32) for name in vector])
    return x, table["late"].to_numpy(zero_copy_only=False).astype(int)


def trees(x: np.ndarray, late: np.ndarray):
    import lightgbm
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    parameters = dict(
        n_estimators=TREES, num_leaves=31, learning_rate=0.05, min_child_samples=200, subsample=0.8, subsample_freq=1,
        colsample_bytree=0.7, reg_lambda=5.0, random_state=SEED, n_jobs=2, verbose=-1, deterministic=True, force_row_wise=True,
    )
    model = lightgbm.LGBMClassifier(**parameters).fit(x, late)
    onnx = convert_lightgbm(model, initial_types=[("x", FloatTensorType([None, x.shape[1]]))], target_opset=15, zipmap=False)
    return model, onnx, parameters


def line(x: np.ndarray, late: np.ndarray):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression

    parameters = dict(C=1.0, max_iter=2000)
    model = LogisticRegression(**parameters).fit(x, late)
    onnx = convert_sklearn(model, initial_types=[("x", FloatTensorType([None, x.shape[1]]))], target_opset=15, options={"zipmap": False})
    return model, onnx, parameters


def main() -> None:
    x, late = rows(os.environ["SIXFOLD_TRAINING_DATA"])
    with mlflow.start_run():
        model, onnx, parameters = (trees if MODEL == "late" else line)(x, late)
        mlflow.log_params(parameters)
        held_x, held_late = rows(os.environ["SIXFOLD_HELDOUT_DATA"])
        p = model.predict_proba(held_x)[:, 1]
        measured = {"log_loss": log_loss(held_late, p), "auc": roc_auc_score(held_late, p)}
        mlflow.log_metrics(measured)
        signature = infer_signature(held_x[:5], model.predict_proba(held_x[:5]))
        mlflow.onnx.log_model(onnx, name=MODEL, registered_model_name=MODEL, signature=signature)
        print(f"{MODEL}: log loss {measured['log_loss']:.4f}, AUC {measured['auc']:.4f} on {len(held_late)} flights that were held out")


if __name__ == "__main__":
    main()
