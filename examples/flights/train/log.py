"""Logs model files that are there already through MLflow's own client: python log.py MODEL=FILE …

Where they go is said as always, by MLFLOW_TRACKING_URI. Each file is logged in a run of its own and registered under the model's name.
"""
import sys
from pathlib import Path

import mlflow
import mlflow.onnx
import numpy as np
import onnx
from mlflow.models import infer_signature


def main() -> None:
    for argument in sys.argv[1:]:
        name, path = argument.split("=", 1)
        model = onnx.load(path)
        columns = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
        mlflow.set_experiment(name)
        with mlflow.start_run(run_name=Path(path).stem):
            mlflow.log_params({"file": Path(path).name, "trained_on": "January to April 2013"})
            signature = infer_signature(np.zeros((2, columns), np.float32), np.zeros((2, 2), np.float32))
            mlflow.onnx.log_model(model, name=name, registered_model_name=name, signature=signature)


if __name__ == "__main__":
    main()
