"""From training to serving without a word of this platform: a model that it defines is trained, logged, validated, promoted and asked."""

import os

import mlflow
import numpy as np
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

server = os.environ["MLFLOW_TRACKING_URI"]
client = MlflowClient()
rng = np.random.default_rng(11)
X = rng.normal(size=(400, 4)).astype(np.float32)
y = (X @ np.array([1, -1, 0.5, 0]) + rng.normal(scale=0.3, size=400) > 0).astype(int)
linear = LogisticRegression(random_state=11).fit(X, y)
exported = to_onnx(linear, X[:1], options={"zipmap": False}, target_opset=17)


def probability(row):
    names = dict(zip("abcd", (float(value) for value in row)))
    answer = requests.post(f"{server}/v1/models/late/predict", json={"keys": {}, "request": names}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(stage, *words):
    try:
        client.transition_model_version_stage("late", "1", stage)
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", str(error)
        assert all(word in str(error) for word in words), str(error)
    else:
        raise AssertionError(f"{stage} was not refused")


mlflow.set_experiment("late")
with mlflow.start_run() as run:
    mlflow.log_params({"C": 1.0, "random_state": 11})
    mlflow.log_metric("log_loss", 0.3)
    mlflow.log_input(mlflow.data.from_numpy(X, targets=y, source="s3://bucket/late.npy", name="late"), context="training")
    info = mlflow.onnx.log_model(
        exported,
        name="model",
        registered_model_name="late",
        signature=infer_signature(X, linear.predict(X)),
    )
assert probability(X[0])["version"] is None and probability(X[0])["prediction"]["late"] == 0.25
refused("Production", "valid")
refused("Staging", "valid")
assert client.get_model_version("late", "1").current_stage == "None"

detail = requests.get(f"{server}/v1/registry/models/late/versions/1", timeout=30).json()
facts = detail["facts"]
assert facts["configuration"]["parameters"]["C"] == "1.0" and facts["configuration"]["seeds"] == {"random_state": "11"}
assert facts["data"]["pointer"] == "s3://bucket/late.npy" and facts["data"]["rows"] == 400
assert [one["metric"] for one in facts["evaluation"]] == ["log_loss"]
assert facts["dependencies"]["opset"] == 17 and any(package.startswith("onnx") for package in facts["dependencies"]["packages"])
assert facts["dependencies"]["language"].startswith("python 3.")
assert detail["entry"] == "model.onnx" and detail["flavor"] == "onnx" and detail["run"] == run.info.run_id

# What does not fit the definition is refused before it is a version.
narrow = LogisticRegression().fit(X[:, :3], y)
with mlflow.start_run():
    try:
        mlflow.onnx.log_model(to_onnx(narrow, X[:1, :3], target_opset=17), name="narrow", registered_model_name="late")
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE" and "late" in str(error), str(error)
    else:
        raise AssertionError("A model of three columns was registered.")
assert len(client.search_model_versions("name = 'late'")) == 1

validated = requests.post(f"{server}/v1/registry/models/late/versions/1/validate", json={}, timeout=120)
assert validated.status_code == 200 and validated.json()["passed"], validated.text
client.transition_model_version_stage("late", "1", "Staging")
client.transition_model_version_stage("late", "1", "Production")
assert client.get_model_version("late", "1").current_stage == "Production"
for _ in range(100):
    if probability(X[0])["version"] == "1":
        break
    __import__("time").sleep(0.1)
for row in X[:10]:
    answer = probability(row)
    assert answer["version"] == "1" and answer["degraded"] == []
    assert abs(answer["prediction"]["late"] - linear.predict_proba([row])[0, 1]) < 1e-5
# One in production: a second takes its place, and the first is archived whatever the client asked for.
with mlflow.start_run():
    again = LogisticRegression(C=0.1, random_state=11).fit(X, y)
    mlflow.log_params({"C": 0.1, "random_state": 11})
    mlflow.log_input(mlflow.data.from_numpy(X, targets=y, source="s3://bucket/late.npy", name="late"), context="training")
    mlflow.log_metric("log_loss", 0.31)
    mlflow.onnx.log_model(to_onnx(again, X[:1], options={"zipmap": False}, target_opset=17), name="model", registered_model_name="late")
assert requests.post(f"{server}/v1/registry/models/late/versions/2/validate", json={}, timeout=120).json()["passed"]
client.transition_model_version_stage("late", "2", "Production")
stages = {v.version: v.current_stage for v in client.search_model_versions("name = 'late'")}
assert sorted(stages.values()) == ["Archived", "Production"], stages
print("served", flush=True)
