"""Every call of Triton's own Python client, over HTTP, from asyncio or over gRPC, against one server.

walk.py http|aio|grpc URL MODEL        prints a line of JSON for each step: its name, and what came of it

What is random, or a server's own, is left out of what is printed, so that the lines of two servers can be laid side by side.
"""
import asyncio
import json
import sys

import numpy as np

kind, url, model = sys.argv[1:]
if kind == "grpc":
    import tritonclient.grpc as triton
elif kind == "aio":
    import tritonclient.http.aio as triton
    import tritonclient.http as _shared
else:
    import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

over_http = kind != "grpc"


def given(rows, binary=True, name="x", datatype="FP32", dtype=np.float32):
    rows = np.asarray(rows, dtype)
    one = triton.InferInput(name, list(rows.shape), datatype)
    if over_http:
        one.set_data_from_numpy(rows, binary_data=binary)
    else:
        one.set_data_from_numpy(rows)
    return one


def wanted(name, binary=True, classes=0):
    return triton.InferRequestedOutput(name, binary_data=binary, class_count=classes) if over_http else triton.InferRequestedOutput(name, class_count=classes)


def values(result, name="score"):
    answer = result.as_numpy(name)
    return None if answer is None else [one.decode() if isinstance(one, bytes) else round(float(one), 5) for one in answer.flatten().tolist()]


def plain(answer):
    """A message of gRPC, as the JSON of HTTP."""
    if over_http:
        return answer
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(answer, preserving_proto_field_name=True)


rows = [[1, 2], [3, 4], [0, 0]]
steps = [
    ("server live", lambda c: c.is_server_live()),
    ("server ready", lambda c: c.is_server_ready()),
    ("model ready", lambda c: c.is_model_ready(model)),
    ("model ready, version", lambda c: c.is_model_ready(model, "1")),
    ("model ready, unknown version", lambda c: c.is_model_ready(model, "9")),
    ("model ready, unknown", lambda c: c.is_model_ready("nope")),
    ("server metadata", lambda c: sorted(set(plain(c_(c.get_server_metadata())).get("extensions", [])) & {"binary_tensor_data", "statistics", "model_repository", "classification"})),
    ("model metadata", lambda c: {k: v for k, v in plain(c_(c.get_model_metadata(model))).items() if k != "platform"}),
    ("model metadata, version", lambda c: plain(c_(c.get_model_metadata(model, "1")))["name"]),
    ("model metadata, unknown", lambda c: c.get_model_metadata("nope")),
    ("model metadata, unknown version", lambda c: c.get_model_metadata(model, "9")),
    ("model config", lambda c: [config_of(c_(c.get_model_config(model)))[k] for k in ("name", "input", "output")]),
    ("model config, unknown", lambda c: c.get_model_config("nope")),
    ("repository index", lambda c: sorted((m["name"], m.get("version"), m.get("state")) for m in index_of(c_(c.get_model_repository_index())) if m["name"] == model)),
    ("infer, bytes", lambda c: values(c_(c.infer(model, [given(rows)])))),
    ("infer, JSON", lambda c: values(c_(c.infer(model, [given(rows, binary=False)], outputs=[wanted("score", binary=False)])))),
    ("infer, JSON, NaN and infinities", lambda c: str(values(c_(c.infer(model, [given([[float("nan"), 1], [float("inf"), 1], [float("-inf"), 1]], binary=False)], outputs=[wanted("score", binary=False)]))))),
    ("infer, bytes, NaN and infinities", lambda c: str(values(c_(c.infer(model, [given([[float("nan"), 1], [float("inf"), 1], [float("-inf"), 1]])]))))),
    ("infer, bytes in and JSON out", lambda c: values(c_(c.infer(model, [given(rows)], outputs=[wanted("score", binary=False)])))),
    ("infer, version", lambda c: values(c_(c.infer(model, [given(rows)], model_version="1")))),
    ("infer, id", lambda c: response_of(c_(c.infer(model, [given(rows)], request_id="mine")))["id"]),
    ("infer, no id", lambda c: response_of(c_(c.infer(model, [given(rows)]))).get("id")),
    ("infer, names and version", lambda c: [response_of(c_(c.infer(model, [given(rows)])))[k] for k in ("model_name", "model_version")]),
    ("infer, shape and datatype", lambda c: [out_of(c_(c.infer(model, [given(rows)])), k) for k in ("name", "datatype", "shape")]),
    ("infer, one row", lambda c: values(c_(c.infer(model, [given([[5, 5]])])))),
    ("infer, 64 rows", lambda c: sum(values(c_(c.infer(model, [given([[i, 1] for i in range(64)])]))))),
    ("infer, priority and timeout", lambda c: values(c_(c.infer(model, [given(rows)], priority=1, timeout=5_000_000)))),
    ("infer, classification", lambda c: c_(c.infer(model, [given([[1, 2]])], outputs=[wanted("score", classes=1)])).as_numpy("score").shape),
    ("infer, unknown model", lambda c: c.infer("nope", [given(rows)])),
    ("infer, unknown version", lambda c: c.infer(model, [given(rows)], model_version="9")),
    ("infer, unknown input", lambda c: c.infer(model, [given(rows, name="y")])),
    ("infer, no input", lambda c: c.infer(model, [])),
    ("infer, unknown output", lambda c: c.infer(model, [given(rows)], outputs=[wanted("nope")])),
    ("infer, wrong datatype", lambda c: c.infer(model, [given(rows, datatype="INT64", dtype=np.int64)])),
    ("infer, wrong shape", lambda c: c.infer(model, [given([[1, 2, 3]])])),
    ("infer, wrong rank", lambda c: c.infer(model, [given([1, 2])])),
    ("statistics", lambda c: {k for k in stats_of(c_(c.get_inference_statistics(model)))[0]["inference_stats"]} >= {"success", "queue", "compute_infer"}),
    ("statistics, counts", lambda c: counted(c)),
    ("statistics of all", lambda c: model in {one["name"] for one in stats_of(c_(c.get_inference_statistics()))}),
    ("statistics, unknown", lambda c: c.get_inference_statistics("nope")),
    ("unload", lambda c: c.unload_model(model)),
    ("unloaded: ready", lambda c: c.is_model_ready(model)),
    ("unloaded: infer", lambda c: c.infer(model, [given(rows)])),
    ("load", lambda c: c.load_model(model)),
    ("loaded: ready", lambda c: c.is_model_ready(model)),
    ("loaded: infer", lambda c: values(c_(c.infer(model, [given(rows)])))),
    ("load, unknown", lambda c: c.load_model("nope")),
]
if over_http:
    steps += [
        ("infer, gzip", lambda c: values(c_(c.infer(model, [given(rows)], request_compression_algorithm="gzip", response_compression_algorithm="gzip")))),
        ("infer, deflate", lambda c: values(c_(c.infer(model, [given(rows)], request_compression_algorithm="deflate", response_compression_algorithm="deflate")))),
    ]
if kind == "grpc":
    steps += [
        ("stream", lambda c: streamed(c)),
        ("infer, gzip", lambda c: values(c.infer(model, [given(rows)], compression_algorithm="gzip"))),
        ("infer, in time", lambda c: values(c.infer(model, [given(rows)], client_timeout=5))),
    ]
if kind == "http":
    steps += [("infer, asynchronous", lambda c: [values(one.get_result()) for one in [c.async_infer(model, [given([[i, i]])]) for i in range(8)]])]


def index_of(answer):
    return answer if over_http else plain(answer).get("models", [])


def config_of(answer):
    config = plain(answer)
    config = config.get("config", config)
    keep = lambda tensors: [{"name": t["name"], "data_type": t["data_type"], "dims": [int(d) for d in t["dims"]]} for t in tensors]
    return {**config, "input": keep(config["input"]), "output": keep(config["output"])}


def stats_of(answer):
    return plain(answer)["model_stats"]


def response_of(result):
    return result.get_response() if over_http else plain(result.get_response())


def out_of(result, member):
    value = response_of(result)["outputs"][0][member]
    return [int(one) for one in value] if isinstance(value, list) else value


def counted(c):
    """Five more rows in one more request are five more inferences."""
    count = lambda: [int(stats_of(c_(c.get_inference_statistics(model)))[0].get("inference_count", 0)), int(stats_of(c_(c.get_inference_statistics(model)))[0]["inference_stats"]["success"].get("count", 0))]
    before = count()
    c_(c.infer(model, [given([[1, 1]] * 5)]))
    return [after - earlier for after, earlier in zip(count(), before)]


def streamed(c):
    import queue

    answers = queue.Queue()
    c.start_stream(lambda result, error: answers.put((result, error)))
    for i in range(5):
        c.async_stream_infer(model, [given([[i, i]])], request_id=str(i))
    got = []
    for _ in range(5):
        result, error = answers.get(timeout=10)
        got.append(str(error) if error is not None else [response_of(result)["id"], values(result)])
    c.async_stream_infer("nope", [given([[1, 1]])])
    result, error = answers.get(timeout=10)
    got.append("error" if error is not None else "no error")
    c.stop_stream()
    return got


loop = None


def c_(answer):
    """Awaits what has to be."""
    return loop.run_until_complete(answer) if asyncio.iscoroutine(answer) else answer


def main():
    global loop
    if kind == "aio":
        loop = asyncio.new_event_loop()

        async def make():
            return triton.InferenceServerClient(url)

        client = loop.run_until_complete(make())
        triton.InferInput, triton.InferRequestedOutput = _shared.InferInput, _shared.InferRequestedOutput
    elif kind == "http":
        client = triton.InferenceServerClient(url, concurrency=8)
    else:
        client = triton.InferenceServerClient(url)
    for name, step in steps:
        try:
            came = c_(step(client))
            came = came if isinstance(came, (bool, int, float, str, list, dict, tuple, type(None))) else "done"
            print(json.dumps({"step": name, "came": came}), flush=True)
        except InferenceServerException as error:
            print(json.dumps({"step": name, "status": error.status(), "says": error.message()}), flush=True)
        except Exception as error:  # noqa: BLE001
            print(json.dumps({"step": name, "broke": f"{type(error).__name__}: {error}"[:300]}), flush=True)


main()
