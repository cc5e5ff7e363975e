"""What MLflow's own client does, against the server of MLFLOW_TRACKING_URI. Steps go on where one has failed; the exit code tells."""

import json
import math
import os
import sys
import tempfile
import time
import traceback

import lightgbm
import mlflow
import numpy as np
import onnxmltools
import pandas as pd
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, ViewType
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from onnxmltools.convert.common.data_types import FloatTensorType as MlFloat
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
server = os.environ["MLFLOW_TRACKING_URI"]
# Names of their own: several passes may share a server.
mark = os.environ.get("WALK_MARK", hex(time.time_ns())[-6:])
steps = []


def step(function):
    steps.append(function)
    return function


def refused(code, status, work, *args, **named):
    try:
        work(*args, **named)
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, code, str(error))
        assert error.get_http_status_code() == status, (error.get_http_status_code(), status)
        return str(error)
    raise AssertionError(f"{work} was not refused with {code}")


def asked(method, path, body=None, **named):
    return requests.request(method, f"{server}/{path}", json=body, timeout=30, **named)


def refused_over_http(code, status, method, path, body=None, **named):
    answer = asked(method, path, body, **named)
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.json()["error_code"] == code, answer.text
    assert answer.json()["message"]


rng = np.random.default_rng(7)
X = rng.normal(size=(200, 4)).astype(np.float32)
y = (X[:, 0] + X[:, 1] > 0).astype(int)
linear = LogisticRegression().fit(X, y)
linear_onnx = to_onnx(linear, X[:1], options={"zipmap": False}, target_opset=17)
state = {}


@step
def experiments():
    name = f"walk-{mark}"
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_experiment, "987654321")
    assert client.get_experiment_by_name(name) is None
    first = client.create_experiment(name, tags={"team": "pricing"})
    assert first.isdigit()
    assert mlflow.set_experiment(name).experiment_id == first
    refused("RESOURCE_ALREADY_EXISTS", 400, client.create_experiment, name)
    refused("INVALID_PARAMETER_VALUE", 400, client.create_experiment, "a" * 501)
    found = client.get_experiment(first)
    assert (found.name, found.lifecycle_stage, found.tags) == (name, "active", {"team": "pricing"})
    assert found.artifact_location == f"mlflow-artifacts:/{first}"
    assert abs(found.creation_time - time.time() * 1000) < 120_000
    client.set_experiment_tag(first, "owner", "ana")
    assert client.get_experiment(first).tags["owner"] == "ana"
    client.delete_experiment_tag(first, "owner")
    assert "owner" not in client.get_experiment(first).tags
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.delete_experiment_tag, first, "owner")
    other = client.create_experiment(f"{name}-other")
    client.rename_experiment(other, f"{name}-renamed")
    assert client.get_experiment(other).name == f"{name}-renamed"
    client.delete_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "deleted"
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.delete_experiment, other)
    refused("INVALID_PARAMETER_VALUE", 400, client.create_run, other)
    refused("RESOURCE_ALREADY_EXISTS", 400, client.create_experiment, f"{name}-renamed")
    seen = {e.experiment_id for e in client.search_experiments(view_type=ViewType.ACTIVE_ONLY)}
    assert first in seen and other not in seen
    assert other in {e.experiment_id for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)}
    client.restore_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "active"
    assert [e.name for e in client.search_experiments(filter_string=f"name LIKE '{name}%'", order_by=["name"])] == [name, f"{name}-renamed"]
    assert [e.experiment_id for e in client.search_experiments(filter_string=f"tags.team = 'pricing' AND name = '{name}'")] == [first]
    page = client.search_experiments(filter_string=f"name ILIKE 'WALK-{mark}%'", max_results=1, order_by=["name ASC"])
    assert len(page) == 1 and page.token
    second = client.search_experiments(filter_string=f"name ILIKE 'WALK-{mark}%'", max_results=1, order_by=["name ASC"], page_token=page.token)
    assert second[0].name == f"{name}-renamed" and not second.token
    state["experiment"] = first


@step
def runs():
    with mlflow.start_run(run_name="base") as run:
        mlflow.log_param("C", 1.0)
        mlflow.log_params({f"p{i}": i for i in range(100)})
        mlflow.log_metric("loss", 0.5, step=0)
        mlflow.log_metrics({"loss": 0.25, "auc": 0.9}, step=1)
        for value in (float("nan"), float("inf"), float("-inf")):
            mlflow.log_metric(f"odd_{value}".replace("-", "minus"), value)
        mlflow.set_tags({"kind": "linear", "a b": "with space"})
        mlflow.set_tag("empty", "")
        with mlflow.start_run(nested=True, run_name="child") as child:
            mlflow.log_metric("auc", 0.1)
    again = client.get_run(run.info.run_id)
    assert again.info.status == "FINISHED" and again.info.end_time >= again.info.start_time
    assert again.info.run_name == "base" and again.data.tags["mlflow.runName"] == "base"
    assert again.info.artifact_uri == f"mlflow-artifacts:/{state['experiment']}/{run.info.run_id}/artifacts"
    assert again.data.params["C"] == "1.0" and len(again.data.params) == 101
    assert again.data.metrics["loss"] == 0.25
    assert math.isnan(again.data.metrics["odd_nan"])
    assert again.data.metrics["odd_inf"] == math.inf and again.data.metrics["odd_minusinf"] == -math.inf
    assert again.data.tags["a b"] == "with space" and again.data.tags["empty"] == ""
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(0, 0.5), (1, 0.25)]
    assert client.get_metric_history(run.info.run_id, "none") == []
    id = run.info.run_id
    # The same value again is no change.
    client.log_param(id, "C", "1.0")
    refused("INVALID_PARAMETER_VALUE", 400, client.log_param, id, "C", "2.0")
    refused("INVALID_PARAMETER_VALUE", 400, client.log_batch, id, params=[Param("new", "1"), Param("C", "3")])
    assert "new" not in client.get_run(id).data.params
    batch = [Metric("m", i / 10, 1_700_000_000_000 + i, i) for i in range(1000)]
    client.log_batch(id, metrics=batch)
    assert len(client.get_metric_history(id, "m")) == 1000 and client.get_run(id).data.metrics["m"] == 99.9
    path = "api/2.0/mlflow/runs/log-batch"
    metric = {"key": "x", "value": 1, "timestamp": 1, "step": 0}
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "metrics": [metric] * 1001})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "params": [{"key": f"q{i}", "value": "1"} for i in range(101)]})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "tags": [{"key": f"q{i}", "value": "1"} for i in range(101)]})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "params": [{"key": "long", "value": "x" * 6001}]})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "tags": [{"key": "x" * 251, "value": "x"}]})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "tags": [{"key": "../x", "value": "x"}]})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "metrics": [{"key": "x", "timestamp": 1}]})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {"run_id": id, "metrics": "many"})
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", path, {})
    refused_over_http("RESOURCE_DOES_NOT_EXIST", 404, "POST", path, {"run_id": "0" * 32, "metrics": [metric]})
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_run, "0" * 32)
    client.delete_tag(id, "empty")
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.delete_tag, id, "empty")
    client.update_run(id, status="FAILED", name="renamed")
    assert (client.get_run(id).info.status, client.get_run(id).info.run_name) == ("FAILED", "renamed")
    assert client.get_run(id).data.tags["mlflow.runName"] == "renamed"
    client.set_terminated(id)
    client.delete_run(id)
    assert client.get_run(id).info.lifecycle_stage == "deleted"
    refused("INVALID_PARAMETER_VALUE", 400, client.log_metric, id, "m", 1)
    client.restore_run(id)
    client.log_metric(id, "m", 1, step=5000)
    both = mlflow.MlflowClient()._tracking_client.store.get_metric_history_bulk_interval([id], "m", 10, None, None)
    assert {one.step for one in both} >= {0, 5000}
    state.update(run=id, child=child.info.run_id)


@step
def datasets():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    data = mlflow.data.from_pandas(frame, source="s3://bucket/flights.parquet", name="flights")
    with mlflow.start_run(run_id=state["run"]):
        mlflow.log_input(data, context="training")
        mlflow.log_input(data, context="training")
    inputs = client.get_run(state["run"]).inputs.dataset_inputs
    assert len(inputs) == 1 and inputs[0].dataset.name == "flights" and inputs[0].dataset.digest == data.digest
    assert {tag.key: tag.value for tag in inputs[0].tags} == {"mlflow.data.context": "training"}
    assert json.loads(inputs[0].dataset.schema)["mlflow_colspec"][0]["name"] == "a"
    assert mlflow.search_runs(filter_string="dataset.name = 'flights'").run_id.tolist() == [state["run"]]
    found = asked("POST", "api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [state["experiment"]]}).json()
    assert found["dataset_summaries"][0]["name"] == "flights" and found["dataset_summaries"][0]["context"] == "training"


@step
def artifacts():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    id = state["run"]
    with mlflow.start_run(run_id=id), tempfile.TemporaryDirectory() as folder:
        mlflow.log_text("hello", "notes.txt")
        mlflow.log_dict({"a": [1, 2]}, "cfg/a.json")
        mlflow.log_dict({"b": 1}, "cfg/b.yaml")
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        mlflow.log_figure(figure, "plots/line.png")
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "plots/black.png")
        mlflow.log_table({"q": ["a"], "n": [1]}, "tables/t.json")
        os.makedirs(f"{folder}/deep/er")
        for name in ("deep/er/x.bin", "deep/ü ber & 100%.txt", "deep/empty"):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(b"" if name.endswith("empty") else b"\x00\x01" * 1000)
        mlflow.log_artifacts(folder, "tree")
    assert [(f.path, f.is_dir) for f in client.list_artifacts(id)] == [
        ("cfg", True),
        ("notes.txt", False),
        ("plots", True),
        ("tables", True),
        ("tree", True),
    ]
    assert [(f.path, f.file_size) for f in client.list_artifacts(id, "cfg")][0] == ("cfg/a.json", len(json.dumps({"a": [1, 2]}, indent=2)))
    assert client.list_artifacts(id, "cfg/a.json") == [] and client.list_artifacts(id, "nothing") == []
    assert mlflow.artifacts.load_text(f"runs:/{id}/notes.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"runs:/{id}/cfg/a.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_image(f"runs:/{id}/plots/black.png").size == (4, 4)
    assert mlflow.load_table("tables/t.json", run_ids=[id]).q.tolist() == ["a"]
    local = mlflow.artifacts.download_artifacts(f"runs:/{id}/tree")
    assert open(f"{local}/deep/er/x.bin", "rb").read() == b"\x00\x01" * 1000
    assert os.path.getsize(f"{local}/deep/empty") == 0
    assert "ü ber & 100%.txt" in os.listdir(f"{local}/deep")
    client.log_text(id, "again", "notes.txt")
    assert mlflow.artifacts.load_text(f"runs:/{id}/notes.txt") == "again"
    listed = asked("GET", f"api/2.0/mlflow/artifacts/list?run_id={id}&path=cfg").json()
    assert [f["path"] for f in listed["files"]] == ["cfg/a.json", "cfg/b.yaml"]
    assert listed["root_uri"] == client.get_run(id).info.artifact_uri
    url = f"{server}/api/2.0/mlflow-artifacts/artifacts/{state['experiment']}/{id}/artifacts/notes.txt"
    whole = requests.get(url, timeout=30)
    assert whole.headers["Content-Disposition"].startswith("attachment") and whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Type"].startswith("text/plain") and whole.text == "again"
    part = requests.get(url, headers={"Range": "bytes=1-2"}, timeout=30)
    assert (part.status_code, part.text, part.headers["Content-Range"]) == (206, "ga", "bytes 1-2/5")
    head = requests.head(url, timeout=30)
    assert (head.status_code, head.headers["Content-Length"], head.text) == (200, "5", "")
    assert requests.get(url, headers={"If-None-Match": whole.headers["ETag"]}, timeout=30).status_code == 304
    refused_over_http("RESOURCE_DOES_NOT_EXIST", 404, "GET", "api/2.0/mlflow-artifacts/artifacts/nothing/at/all")
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(client.get_run(id).info.artifact_uri).delete_artifacts("plots")
    assert client.list_artifacts(id, "plots") == []


@step
def searching_runs():
    experiment = client.create_experiment(f"search-{mark}")
    made = []
    for i in range(12):
        run = client.create_run(experiment, run_name=f"r{i:02}", tags={"even": str(i % 2 == 0), "odd.key with space": str(i)})
        client.log_metric(run.info.run_id, "auc", i / 10)
        client.log_param(run.info.run_id, "depth", str(i % 3))
        if i % 4 == 0:
            client.log_metric(run.info.run_id, "my metric", float(i))
        made.append(run.info.run_id)
    names = lambda filter, order=("attributes.run_name",): [
        r.info.run_name for r in client.search_runs([experiment], filter_string=filter, order_by=list(order))
    ]
    for filter, expected in {
        "metrics.auc > 0.9": ["r10", "r11"],
        "metrics.auc >= 0.9 and params.depth = '0'": ["r09"],
        "metric.`my metric` > 3": ["r04", "r08"],
        'metrics."my metric" = 8': ["r08"],
        "params.depth != '0' AND tags.even = 'True'": ["r02", "r04", "r08", "r10"],
        "params.depth LIKE '2%' AND metrics.auc < 0.6": ["r02", "r05"],
        "tags.`odd.key with space` ILIKE '1_'": ["r10", "r11"],
        f"attributes.run_id IN ('{made[0]}', '{made[3]}')": ["r00", "r03"],
        f"attributes.run_id NOT IN ({', '.join(repr(m) for m in made[2:])})": ["r00", "r01"],
        "run_name LIKE 'r0_' AND metrics.auc <= 0.1": ["r00", "r01"],
        "attributes.status = 'RUNNING' AND attributes.run_name ILIKE 'R11'": ["r11"],
        "tags.none IS NULL AND metrics.auc = 1.1": ["r11"],
        "params.depth IS NOT NULL AND metrics.auc != 0.5 AND metrics.auc > 0.4 AND metrics.auc < 0.8": ["r06", "r07"],
        "attributes.start_time > 0 AND metrics.auc = 0": ["r00"],
        "": [f"r{i:02}" for i in range(12)],
    }.items():
        assert names(filter) == expected, (filter, names(filter), expected)
    assert names("", ["metrics.auc DESC"])[:3] == ["r11", "r10", "r09"]
    assert names("", ["params.depth ASC", "metrics.auc DESC"])[:2] == ["r09", "r06"]
    assert set(names("", ["metrics.`my metric` DESC"])[:3]) == {"r08", "r04", "r00"}
    seen, token = [], None
    while True:
        page = client.search_runs([experiment], max_results=5, order_by=["metrics.auc ASC"], page_token=token)
        seen += [r.info.run_name for r in page]
        token = page.token
        if not token:
            break
    assert seen == [f"r{i:02}" for i in range(12)]
    frame = mlflow.search_runs(experiment_ids=[experiment], filter_string="metrics.auc > 1", order_by=["metrics.auc"])
    assert frame["metrics.auc"].tolist() == [1.1] and frame["params.depth"].tolist() == ["2"]
    for filter in (
        "metrics.auc >",
        "metrics.auc = 'a'",
        "nonsense.auc = 1",
        "params.depth = 1",
        "metrics.auc = 1 OR metrics.auc = 2",
        "attributes.none = 'x'",
        "tags.a = 'x",
        "metrics.auc LIKE 'a'",
        "run_name IN 'a'",
    ):
        refused("INVALID_PARAMETER_VALUE", 400, client.search_runs, [experiment], filter_string=filter)
    refused("INVALID_PARAMETER_VALUE", 400, client.search_runs, [experiment], order_by=["metrics.auc SIDEWAYS"])
    refused("INVALID_PARAMETER_VALUE", 400, client.search_runs, [experiment], page_token="nonsense")
    refused("INVALID_PARAMETER_VALUE", 400, client.search_runs, [experiment], max_results=50_001)
    many = " AND ".join(f"tags.k{i} = 'v'" for i in range(10_000))
    refused("INVALID_PARAMETER_VALUE", 400, client.search_runs, [experiment], filter_string=many)
    client.delete_run(made[0])
    assert "r00" not in names("")
    assert [r.info.run_name for r in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)] == ["r00"]
    assert len(client.search_runs([experiment], run_view_type=ViewType.ALL)) == 12
    client.restore_run(made[0])
    assert client.search_runs([], filter_string="") == []


def predictions(uri):
    return np.asarray(list(mlflow.pyfunc.load_model(uri).predict(X[:20]).values())[0]).ravel()


@step
def onnx_models():
    name = f"linear-{mark}"
    signature = infer_signature(X, linear.predict(X))
    with mlflow.start_run(run_name="linear") as run:
        mlflow.log_params({"C": 1.0, "random_state": 7})
        mlflow.log_metric("auc", 0.91)
        info = mlflow.onnx.log_model(linear_onnx, name="model", registered_model_name=name, signature=signature, input_example=X[:2])
    state.update(linear=name, linear_run=run.info.run_id, linear_model=info.model_id)
    version = client.get_model_version(name, "1")
    assert (version.version, version.current_stage, version.status) == ("1", "None", "READY") or version.version == 1
    assert version.source == f"models:/{info.model_id}" and version.run_id == run.info.run_id
    logged = client.get_logged_model(info.model_id)
    assert str(logged.status) in ("LoggedModelStatus.READY", "READY") and logged.name == "model"
    assert logged.source_run_id == run.info.run_id and logged.params["C"] == "1.0"
    assert {m.key: m.value for m in logged.metrics}["auc"] == 0.91
    assert name in logged.tags["mlflow.modelVersions"]
    assert logged.artifact_location == f"mlflow-artifacts:/{state['experiment']}/models/{info.model_id}/artifacts"
    assert client.get_model_version_download_uri(name, "1") == logged.artifact_location
    files = {f.path for f in client.list_logged_model_artifacts(info.model_id)}
    assert {"MLmodel", "model.onnx", "requirements.txt"} <= files
    expected = linear.predict(X[:20])
    for uri in (f"models:/{name}/1", f"models:/{info.model_id}", f"models:/{name}/latest", f"runs:/{run.info.run_id}/model"):
        assert (predictions(uri) == expected).all(), uri
    booster = lightgbm.LGBMClassifier(n_estimators=5, num_leaves=4, verbose=-1).fit(X, y)
    boosted = onnxmltools.convert_lightgbm(booster, initial_types=[("input", MlFloat([None, 4]))], zipmap=False, target_opset=15)
    with mlflow.start_run(run_name="boosted"):
        mlflow.onnx.log_model(boosted, name="model", registered_model_name=name, signature=signature)
    assert (predictions(f"models:/{name}/2") == booster.predict(X[:20])).all()
    # External data beside the file.
    with mlflow.start_run():
        wide = mlflow.onnx.log_model(linear_onnx, name="wide", save_as_external_data=True)
    assert (predictions(f"models:/{wide.model_id}") == expected).all()
    wrong = infer_signature(X[:, :3], linear.predict(X))
    with mlflow.start_run():
        bad = mlflow.onnx.log_model(linear_onnx, name="bad", signature=wrong)
    refused("INVALID_PARAMETER_VALUE", 400, client.create_model_version, name, f"models:/{bad.model_id}", model_id=bad.model_id)
    state["signature"] = signature


@step
def other_flavours():
    name = f"native-{mark}"
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(linear, name="skl", registered_model_name=name)
    assert (mlflow.sklearn.load_model(f"models:/{name}/1").predict(X[:20]) == linear.predict(X[:20])).all()
    assert client.get_model_version(name, "1").source == f"models:/{info.model_id}"

    class Doubled(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input * 2

    with mlflow.start_run():
        mlflow.pyfunc.log_model(name="py", python_model=Doubled(), registered_model_name=name)
    assert mlflow.pyfunc.load_model(f"models:/{name}/2").predict(np.array([1, 2])).tolist() == [2, 4]


@step
def registration():
    name = f"routes-{mark}"
    run, model = state["linear_run"], state["linear_model"]
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.create_model_version, name, f"models:/{model}", model_id=model)
    by_model = mlflow.register_model(f"models:/{model}", name, tags={"from": "model"})
    assert str(by_model.version) == "1" and by_model.run_id == run
    by_run = mlflow.register_model(f"runs:/{run}/model", name)
    assert str(by_run.version) == "2" and by_run.run_id == run
    by_version = mlflow.register_model(f"models:/{name}/1", name)
    assert by_version.run_id == run
    straight = client.create_model_version(name, client.get_logged_model(model).artifact_location, run_id=run, model_id=model)
    assert straight.source == client.get_logged_model(model).artifact_location
    client.log_artifact(run, f"{mlflow.artifacts.download_artifacts(f'models:/{model}')}/model.onnx", "single")
    single = client.create_model_version(name, f"runs:/{run}/single/model.onnx", run_id=run)
    assert client.get_model_version_download_uri(name, single.version).endswith("single/model.onnx")
    outside = client.create_model_version(name, "s3://bucket/models/1")
    assert outside.source == "s3://bucket/models/1" and outside.status == "READY"
    assert client.get_model_version_download_uri(name, outside.version) == "s3://bucket/models/1"
    for version in ("1", "2", "3", str(straight.version)):
        assert (predictions(f"models:/{name}/{version}") == linear.predict(X[:20])).all(), version
    client.set_registered_model_alias(name, "champion", "1")
    copied = client.copy_model_version(f"models:/{name}@champion", f"{name}-copy")
    assert copied.name == f"{name}-copy" and str(copied.version) == "1" and copied.run_id == run
    assert copied.source == f"models:/{name}/1"
    assert (predictions(f"models:/{name}-copy/1") == linear.predict(X[:20])).all()
    # What was registered stays what it was, whatever becomes of the files it was made of.
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    logged = client.get_logged_model(model)
    repository = get_artifact_repository(logged.artifact_location)
    repository.delete_artifacts("requirements.txt")
    moved = client.get_model_version_download_uri(name, "1")
    assert moved != logged.artifact_location and moved.startswith("mlflow-artifacts:/")
    assert (predictions(f"models:/{name}/1") == linear.predict(X[:20])).all()
    local = mlflow.artifacts.download_artifacts(f"models:/{name}/1")
    assert "requirements.txt" in os.listdir(local)
    state["routes"] = name


@step
def sources_that_are_refused():
    name, run, model = state["routes"], state["linear_run"], state["linear_model"]
    other = client.create_run(state["experiment"]).info.run_id
    location = client.get_logged_model(model).artifact_location
    before = len(client.search_model_versions(f"name = '{name}'"))
    for source, named in (
        ("/etc/passwd", {}),
        ("/etc/passwd", {"run_id": run}),
        ("file:///etc/passwd", {"run_id": run}),
        ("./model", {"run_id": run}),
        ("C:\\model", {}),
        (f"runs:/{run}/../../etc", {"run_id": run}),
        (f"runs:/{run}/%2e%2e/x", {"run_id": run}),
        (f"runs:/{run}/%252e%252e/x", {"run_id": run}),
        (f"runs:/{run}/model", {"run_id": other}),
        (f"runs:/{run}/model", {}),
        (f"models:/{model}", {}),
        (f"models:/{model}", {"model_id": "m-" + "0" * 32}),
        (location, {}),
        (location, {"run_id": other}),
        (location + "/../../..", {"model_id": model}),
        ("mlflow-artifacts:/", {"run_id": run}),
        (f"http://host:5000/api/2.0/mlflow-artifacts/artifacts/{state['experiment']}/{run}/artifacts", {"run_id": other}),
        ("s3://bucket/../../x", {}),
        ("models:/none/1/2", {}),
        ("models://host/none/1", {}),
    ):
        body = {"name": name, "source": source, **named}
        refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", "api/2.0/mlflow/model-versions/create", body)
    refused_over_http("RESOURCE_DOES_NOT_EXIST", 404, "POST", "api/2.0/mlflow/model-versions/create", {"name": name, "source": "models:/none/1"})
    assert len(client.search_model_versions(f"name = '{name}'")) == before


@step
def models_and_versions():
    name = f"crud-{mark}"
    made = client.create_registered_model(name, tags={"a": "1"}, description="first")
    assert (made.name, made.tags, made.description) == (name, {"a": "1"}, "first")
    refused("RESOURCE_ALREADY_EXISTS", 400, client.create_registered_model, name)
    for bad in ("", "a/b", "a:b"):
        refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", "api/2.0/mlflow/registered-models/create", {"name": bad})
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_registered_model, "none-at-all")
    assert client.update_registered_model(name, "second").description == "second"
    client.set_registered_model_tag(name, "b", "2")
    client.delete_registered_model_tag(name, "a")
    client.delete_registered_model_tag(name, "never")
    assert client.get_registered_model(name).tags == {"b": "2"}
    model = state["linear_model"]
    for _ in range(4):
        client.create_model_version(name, f"models:/{model}", model_id=model, tags={"t": "x"}, description="d")
    one = client.get_model_version(name, "1")
    assert (one.tags, one.description, one.aliases) == ({"t": "x"}, "d", [])
    assert client.update_model_version(name, "1", "new").description == "new"
    client.set_model_version_tag(name, "1", "u", "y")
    client.delete_model_version_tag(name, "1", "t")
    assert client.get_model_version(name, "1").tags == {"u": "y"}
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_model_version, name, "99")
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.set_model_version_tag, name, "99", "a", "b")
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "GET", f"api/2.0/mlflow/model-versions/get?name={name}&version=one")

    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "Champion-2", "2")
    assert str(client.get_model_version_by_alias(name, "champion").version) == "1"
    assert client.get_registered_model(name).aliases == {"champion": "1", "Champion-2": "2"} or client.get_registered_model(name).aliases["champion"] in ("1", 1)
    client.set_registered_model_alias(name, "champion", "3")
    assert client.get_model_version(name, "3").aliases == ["champion"] and client.get_model_version(name, "1").aliases == []
    for bad in ("latest", "LATEST", "v1", "V22", "a b", "a/b"):
        refused("INVALID_PARAMETER_VALUE", 400, client.set_registered_model_alias, name, bad, "1")
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.set_registered_model_alias, name, "x", "99")
    refused("INVALID_PARAMETER_VALUE", 400, client.get_model_version_by_alias, name, "none")
    client.delete_registered_model_alias(name, "champion")
    client.delete_registered_model_alias(name, "champion")
    refused("INVALID_PARAMETER_VALUE", 400, client.get_model_version_by_alias, name, "champion")
    expecting = {"name": name, "alias": "held", "version": "1", "expected_version": None}
    assert asked("POST", "api/2.0/mlflow/registered-models/alias", expecting).status_code == 200
    refused_over_http("RESOURCE_CONFLICT", 409, "POST", "api/2.0/mlflow/registered-models/alias", {**expecting, "version": "2"})

    assert client.transition_model_version_stage(name, "1", "Staging").current_stage == "Staging"
    assert client.transition_model_version_stage(name, "2", "production").current_stage == "Production"
    assert client.transition_model_version_stage(name, "3", "Production").current_stage == "Production"
    latest = {v.current_stage: str(v.version) for v in client.get_latest_versions(name)}
    assert latest == {"Staging": "1", "Production": "3", "None": "4"}, latest
    assert [str(v.version) for v in client.get_latest_versions(name, ["Production"])] == ["3"]
    assert (predictions(f"models:/{name}/Production") == linear.predict(X[:20])).all()
    client.transition_model_version_stage(name, "4", "Production", archive_existing_versions=True)
    assert [client.get_model_version(name, str(i)).current_stage for i in (1, 2, 3, 4)] == ["Staging", "Archived", "Archived", "Production"]
    client.transition_model_version_stage(name, "4", "None")
    assert client.get_model_version(name, "4").current_stage == "None"
    refused("INVALID_PARAMETER_VALUE", 400, client.transition_model_version_stage, name, "4", "Live")
    refused("INVALID_PARAMETER_VALUE", 400, client.get_latest_versions, name, ["Live"])
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.transition_model_version_stage, name, "99", "Staging")

    client.delete_model_version(name, "2")
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_model_version, name, "2")
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.delete_model_version, name, "2")
    client.rename_registered_model(name, f"{name}-new")
    assert client.get_registered_model(f"{name}-new").name == f"{name}-new"
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_registered_model, name)
    refused("RESOURCE_ALREADY_EXISTS", 400, client.rename_registered_model, f"{name}-new", state["linear"])
    assert client.get_model_version(f"{name}-new", "1").name == f"{name}-new"
    client.delete_registered_model(f"{name}-new")
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.delete_registered_model, f"{name}-new")


@step
def searching_the_registry():
    base = f"s-{mark}"
    model = state["linear_model"]
    for i in range(7):
        client.create_registered_model(f"{base}-{i}", tags={"even": str(i % 2 == 0)})
        for _ in range(i % 3):
            client.create_model_version(f"{base}-{i}", f"models:/{model}", model_id=model, tags={"n": str(i)})
    names = lambda filter, **named: [m.name[len(base) + 1 :] for m in client.search_registered_models(filter, **named)]
    assert names(f"name LIKE '{base}-%'") == [str(i) for i in range(7)]
    assert names(f"name ILIKE '{base.upper()}-%'", order_by=["name DESC"]) == [str(i) for i in reversed(range(7))]
    assert names(f"name LIKE '{base}-%' AND tags.even = 'True'") == ["0", "2", "4", "6"]
    assert names(f"name LIKE '{base}-%' AND tag.`even` != 'True'") == ["1", "3", "5"]
    assert names(f"name = '{base}-3'") == ["3"]
    seen, token = [], None
    while True:
        page = client.search_registered_models(f"name LIKE '{base}-%'", max_results=3, page_token=token)
        seen += [m.name for m in page]
        token = page.token
        if not token:
            break
    assert seen == [f"{base}-{i}" for i in range(7)]
    found = client.search_registered_models(f"name = '{base}-2'")[0]
    assert [str(v.version) for v in found.latest_versions] == ["2"]
    versions = client.search_model_versions(f"name = '{base}-2'")
    assert [str(v.version) for v in sorted(versions, key=lambda v: int(v.version))] == ["1", "2"]
    assert len(client.search_model_versions(f"name LIKE '{base}%' AND tags.n = '5'")) == 2
    assert len(client.search_model_versions(f"run_id = '{state['linear_run']}' AND name = '{base}-1'")) == 1
    assert [int(v.version) for v in client.search_model_versions(f"name = '{base}-5'", order_by=["version_number ASC"])] == [1, 2]
    one = client.search_model_versions(f"name = '{base}-5'", max_results=1, order_by=["version_number DESC"])
    assert int(one[0].version) == 2 and one.token
    assert int(client.search_model_versions(f"name = '{base}-5'", max_results=1, order_by=["version_number DESC"], page_token=one.token)[0].version) == 1
    for filter in ("nonsense = 'a'", "name > 'a'", "tags.a", "name = 'a' OR name = 'b'", "name = 3"):
        refused("INVALID_PARAMETER_VALUE", 400, client.search_registered_models, filter)
        refused("INVALID_PARAMETER_VALUE", 400, client.search_model_versions, filter)
    refused("INVALID_PARAMETER_VALUE", 400, client.search_registered_models, "", max_results=1_001)
    many = " AND ".join(f"tags.k{i} = 'v'" for i in range(10_000))
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", "api/2.0/mlflow/logged-models/search", {"experiment_ids": ["0"], "filter": many})


@step
def logged_models():
    experiment = client.create_experiment(f"models-{mark}")
    made = [client.create_logged_model(experiment, name=f"lm{i}", model_type="tree", tags={"i": str(i)}, params={"d": str(i)}) for i in range(5)]
    assert all(m.model_id.startswith("m-") and len(m.model_id) == 34 for m in made)
    assert str(made[0].status).endswith("PENDING")
    assert str(client.finalize_logged_model(made[0].model_id, "READY").status).endswith("READY")
    assert str(client.finalize_logged_model(made[1].model_id, "FAILED").status).endswith("FAILED")
    client.set_logged_model_tags(made[0].model_id, {"a": "b", "i": "zero"})
    client.delete_logged_model_tag(made[0].model_id, "a")
    assert client.get_logged_model(made[0].model_id).tags["i"] == "zero"
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.delete_logged_model_tag, made[0].model_id, "a")
    client.log_model_params(made[0].model_id, {"extra": "1"})
    assert client.get_logged_model(made[0].model_id).params == {"d": "0", "extra": "1"}
    run = client.create_run(experiment).info.run_id
    for i, model in enumerate(made):
        client.log_metric(run, "auc", i / 10, model_id=model.model_id, dataset_name="test", dataset_digest="abc")
    assert client.get_logged_model(made[3].model_id).metrics[0].value == 0.3
    names = lambda filter=None, **named: [m.name for m in client.search_logged_models([experiment], filter, **named)]
    assert sorted(names()) == ["lm0", "lm1", "lm2", "lm3", "lm4"]
    assert names("name = 'lm2'") == ["lm2"]
    assert sorted(names("metrics.auc > 0.2")) == ["lm3", "lm4"]
    assert sorted(names("params.d IN ('1', '2')")) == ["lm1", "lm2"]
    assert names("tags.i = 'zero' AND status = 'READY'") == ["lm0"]
    assert names(order_by=[{"field_name": "metrics.auc", "ascending": False}])[:2] == ["lm4", "lm3"]
    assert sorted(names("metrics.auc >= 0.3", datasets=[{"dataset_name": "test"}])) == ["lm3", "lm4"]
    assert names("metrics.auc >= 0.3", datasets=[{"dataset_name": "other"}]) == []
    page = client.search_logged_models([experiment], max_results=2, order_by=[{"field_name": "name"}])
    assert [m.name for m in page] == ["lm0", "lm1"] and page.token
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_logged_model, "m-" + "0" * 32)
    client.delete_logged_model(made[4].model_id)
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_logged_model, made[4].model_id)
    assert "lm4" not in names()
    refused("INVALID_PARAMETER_VALUE", 400, client.create_logged_model, experiment, name="a/b")
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.create_logged_model, "987654321", name="a")


@step
def prompts():
    name = f"greeting_{mark}"
    first = mlflow.genai.register_prompt(name, "Hello {{name}}", commit_message="first", tags={"lang": "en"})
    second = mlflow.genai.register_prompt(name, "Hi {{name}}")
    assert (first.version, second.version) == (1, 2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1").template == "Hello {{name}}"
    mlflow.genai.set_prompt_alias(name, "prod", 2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@prod").template == "Hi {{name}}"
    assert name in [p.name for p in mlflow.genai.search_prompts()]
    assert name not in [m.name for m in client.search_registered_models()]
    assert client.search_model_versions(f"name = '{name}'") == []
    refused_over_http("INVALID_PARAMETER_VALUE", 400, "POST", "api/2.0/mlflow/model-versions/create", {"name": name, "source": "/etc/passwd", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]})


@step
def webhooks():
    made = client.create_webhook(f"hook-{mark}", "http://127.0.0.1:9/hook", ["model_version.created", "registered_model.created"], secret="s3cret")
    again = client.get_webhook(made.webhook_id)
    assert again.name == f"hook-{mark}" and [str(e) for e in again.events] == ["model_version.created", "registered_model.created"]
    assert again.webhook_id in [w.webhook_id for w in client.list_webhooks()]
    assert str(client.update_webhook(made.webhook_id, status="DISABLED").status) == "DISABLED"
    client.delete_webhook(made.webhook_id)
    refused("RESOURCE_DOES_NOT_EXIST", 404, client.get_webhook, made.webhook_id)
    refused("INVALID_PARAMETER_VALUE", 400, client.create_webhook, "inner", "http://169.254.169.254/latest", ["model_version.created"])


@step
def autologging():
    mlflow.autolog(log_models=False, silent=True)
    with mlflow.start_run() as run:
        LogisticRegression(C=0.5).fit(X, y)
    mlflow.autolog(disable=True)
    again = client.get_run(run.info.run_id)
    assert again.data.params["C"] == "0.5" and "training_accuracy_score" in again.data.metrics


@step
def whatever_else_is_asked():
    assert asked("GET", "health").text == "OK" and asked("GET", "version").text == mlflow.__version__
    assert asked("GET", "api/3.0/mlflow/server-info").json()["multipart_uploads_enabled"] is False
    assert asked("GET", "ajax-api/2.0/mlflow/experiments/get?experiment_id=0").json()["experiment"]["name"] == "Default"
    refused_over_http("ENDPOINT_NOT_FOUND", 404, "POST", "api/3.0/mlflow/traces/search", {})
    refused_over_http("NOT_IMPLEMENTED", 501, "POST", "api/2.0/mlflow-artifacts/mpu/create/1/a", {"path": "a", "num_parts": 1})
    refused_over_http("BAD_REQUEST", 405, "PUT", "api/2.0/mlflow/runs/create", {})
    for body in (b"", b"{", b"[]", b"null x", b'{"a":' * 50, b"\xff\xfe"):
        answer = requests.post(f"{server}/api/2.0/mlflow/runs/log-batch", data=body, headers={"Content-Type": "application/json"}, timeout=30)
        assert answer.status_code == 400 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE", (body, answer.text)
    big = requests.post(f"{server}/api/2.0/mlflow/runs/log-batch", data=b'{"x":"' + b"x" * 20_000_000 + b'"}', headers={"Content-Type": "application/json"}, timeout=30)
    assert big.status_code == 413 and big.json()["error_code"] == "INVALID_PARAMETER_VALUE"


failed = []
for function in steps:
    began = time.time()
    try:
        function()
        print(f"{function.__name__}: {time.time() - began:.1f} s", flush=True)
    except Exception:
        failed.append(function.__name__)
        print(f"{function.__name__}: failed\n{traceback.format_exc()}", flush=True)
print(f"walked {len(steps)} steps, {len(failed)} failed", flush=True)
sys.exit(1 if failed else 0)
