"""What a Python team would write: FastAPI, Feast for the features, onnxruntime for the model. One process.

    FEAST_REPO=repo MODEL=model.onnx uvicorn fastapi_feast:app --port 8107 --no-access-log --log-level warning

The handler is a coroutine although its work blocks: with one process that is faster than a pool of threads.
"""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from feast import FeatureStore
from pydantic import BaseModel

store = FeatureStore(repo_path=os.environ["FEAST_REPO"])
service = store.get_feature_service("all")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
COLUMNS = [f"{view}__f{i}" for view, columns in {"va": 8, "vb": 6, "vc": 6}.items() for i in range(columns)]
app = FastAPI()


class Question(BaseModel):
    user_id: int


@app.post("/predict")
async def predict(question: Question):
    features = store.get_online_features(
        features=service, entity_rows=[{"user_id": question.user_id}], full_feature_names=True
    ).to_dict()
    row = [0.0 if features[column][0] is None else features[column][0] for column in COLUMNS]
    (scores,) = session.run(["probabilities"], {"x": np.asarray([row], np.float32)})
    return {"score": float(scores[0][1])}
