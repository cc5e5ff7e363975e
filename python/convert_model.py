"""Converts a model of another framework to ONNX, and says what the framework itself answers to some rows.

Started by `sixfold model import` in the Python that its user names, with a description as JSON on standard input (src/runtime/convert.ts). The
last line of standard output is JSON: what was made of what by what, the rows and the answers; or an error's code, message and fix.
Nothing is loaded from a pickle unless the description says that it is trusted: loading one runs whatever it holds.
"""

import importlib
import json
import os
import sys

OPSET = 15
ML_OPSET = 3


class Refused(Exception):
    def __init__(self, code, message, fix=None):
        super().__init__(message)
        self.code, self.fix = code, fix


def need(module, package=None):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Refused(
            "SX_IMPORT_PYTHON",
            f"This Python has no {module}: {error}.",
            f"Install it there: {sys.executable} -m pip install {package or module}",
        ) from error


def version_of(module):
    return f"{module.__name__}=={getattr(module, '__version__', '?')}"


# --- what it is


def framework_of(path):
    """By its name, and by what is in a folder of that name."""
    if os.path.isdir(path):
        if os.path.exists(os.path.join(path, "saved_model.pb")):
            return "tensorflow"
        raise Refused("SX_IMPORT_INVALID", f"'{path}' is a folder, and no SavedModel.", "Name the file of the model.")
    end = os.path.splitext(path)[1].lower()
    known = {
        ".pkl": "pickle", ".pickle": "pickle", ".joblib": "pickle",
        ".txt": "lightgbm", ".lgb": "lightgbm",
        ".json": "xgboost", ".ubj": "xgboost", ".xgb": "xgboost",
        ".cbm": "catboost",
        ".pt2": "torch", ".pt": "torch", ".pth": "torch",
        ".keras": "tensorflow", ".h5": "tensorflow",
        ".onnx": "onnx",
    }  # fmt: skip
    if end not in known:
        raise Refused(
            "SX_IMPORT_INVALID",
            f"'{path}' does not say by its name which framework it is of.",
            "Say it: --framework sklearn, lightgbm, xgboost, catboost, torch, tensorflow or onnx.",
        )
    return known[end]


def unpickled(path, trusted):
    if not trusted:
        raise Refused(
            "SX_IMPORT_UNTRUSTED",
            f"'{path}' is a pickle: to load it is to run whatever it holds.",
            "Where you know who made it, add --trust. Of LightGBM, XGBoost and CatBoost import the file that they save themselves.",
        )
    return need("joblib").load(path)


class Source:
    """A model that is loaded: `answer` gives what it says of rows, `convert` an ONNX model, `packages` who did both."""

    def __init__(self, framework, answer, convert, packages, width=None, classes=None):
        self.framework, self.answer, self.convert, self.packages = framework, answer, convert, packages
        self.width, self.classes = width, classes


def load(job):
    framework = job["framework"] or framework_of(job["model"])
    if framework in ("pickle", "sklearn"):
        return of_object(unpickled(job["model"], job["trust"]), job)
    loaders = {
        "lightgbm": lightgbm_file, "xgboost": xgboost_file, "catboost": catboost_file,
        "torch": torch_file, "tensorflow": tensorflow_file, "onnx": onnx_file,
    }  # fmt: skip
    if framework not in loaders:
        raise Refused("SX_IMPORT_INVALID", f"There is no framework '{framework}' here.", f"Use one of: sklearn, {', '.join(loaders)}.")
    return loaders[framework](job)


def of_object(model, job):
    module = type(model).__module__.split(".")[0]
    if module == "lightgbm":
        return lightgbm_model(getattr(model, "booster_", model), getattr(model, "classes_", None))
    if module == "xgboost":
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        return xgboost_model(booster, getattr(model, "classes_", None))
    if module == "catboost":
        return catboost_model(model)
    if hasattr(model, "predict"):
        return sklearn_model(model, job)
    raise Refused("SX_IMPORT_INVALID", f"What is pickled is a {type(model).__module__}.{type(model).__qualname__}, which predicts nothing.")


# --- each framework


def tree_types(width):
    from onnxmltools.convert.common.data_types import FloatTensorType

    return [("x", FloatTensorType([None, width]))]


def labelled(raw, classes):
    """Of one margin's probability both, where that is what a framework gives."""
    import numpy

    raw = numpy.asarray(raw)
    return numpy.stack([1 - raw, raw], axis=1) if raw.ndim == 1 else raw


def lightgbm_file(job):
    return lightgbm_model(need("lightgbm").Booster(model_file=job["model"]), None)


def lightgbm_model(booster, classes):
    lightgbm, tools = need("lightgbm"), need("onnxmltools")
    text = booster.model_to_string()
    objective = next((line[10:].split(" ")[0] for line in text.splitlines() if line.startswith("objective=")), "")
    classifies = objective in ("binary", "multiclass", "multiclassova", "cross_entropy")
    width = booster.num_feature()

    def answer(x):
        # As the file will be served: numbers of 32 bits.
        said = booster.predict(x.astype("float64"))
        return {"probabilities": labelled(said, classes)} if classifies else {"numbers": said}

    def convert():
        return tools.convert_lightgbm(booster, initial_types=tree_types(width), target_opset=OPSET, zipmap=False)

    return Source("lightgbm", answer, convert, [version_of(lightgbm), version_of(tools)], width, classes)


def xgboost_file(job):
    booster = need("xgboost").Booster()
    booster.load_model(job["model"])
    return xgboost_model(booster, None)


def xgboost_model(booster, classes):
    xgboost, tools = need("xgboost"), need("onnxmltools")
    width = booster.num_features()
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    classifies = objective.startswith(("binary:logistic", "multi:"))
    booster.feature_names = None

    def answer(x):
        said = booster.predict(xgboost.DMatrix(x))
        return {"probabilities": labelled(said, classes)} if classifies else {"numbers": said}

    def convert():
        return without_zipmap(tools.convert_xgboost(booster, initial_types=tree_types(width), target_opset=OPSET))

    return Source("xgboost", answer, convert, [version_of(xgboost), version_of(tools)], width, classes)


def catboost_file(job):
    catboost = need("catboost")
    model = catboost.CatBoost()
    model.load_model(job["model"])
    return catboost_model(model)


def catboost_model(model):
    catboost, onnx = need("catboost"), need("onnx")
    names = model.feature_names_
    classes = list(model.classes_) if len(getattr(model, "classes_", [])) > 0 else None

    def answer(x):
        if classes is None:
            return {"numbers": model.predict(x)}
        return {"probabilities": model.predict(x, prediction_type="Probability")}

    def convert():
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            model.save_model(path, format="onnx")
            return without_zipmap(onnx.load(path))

    return Source("catboost", answer, convert, [version_of(catboost)], len(names), classes)


def sklearn_model(model, job):
    sklearn, converter = need("sklearn", "scikit-learn"), need("skl2onnx")
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

    names, types = job["columns"], job["types"]
    texts = [i for i, kind in enumerate(types) if kind == "string"]
    width = getattr(model, "n_features_in_", len(names))
    classes = list(model.classes_) if hasattr(model, "classes_") else None

    def framed(x):
        if not texts:
            return x
        return need("pandas").DataFrame({name: x[:, i] for i, name in enumerate(names)}).astype(
            {name: "float32" for i, name in enumerate(names) if i not in texts}
        )

    def answer(x):
        given = framed(x)
        if classes is not None and hasattr(model, "predict_proba"):
            return {"probabilities": model.predict_proba(given), "labels": model.predict(given)}
        if classes is not None:
            return {"labels": model.predict(given)}
        return {"numbers": model.predict(given)}

    def convert():
        initial = (
            [(name, (StringTensorType if i in texts else FloatTensorType)([None, 1])) for i, name in enumerate(names)]
            if texts
            else [("x", (DoubleTensorType if job["double"] else FloatTensorType)([None, width]))]
        )
        options = {"zipmap": False} if classes is not None else None
        opsets = {"": OPSET, "ai.onnx.ml": ML_OPSET}
        try:
            return converter.convert_sklearn(model, initial_types=initial, target_opset=opsets, options={id(model): options} if options else None)
        except converter.common.exceptions.MissingShapeCalculator as error:
            raise Refused(
                "SX_IMPORT_INVALID",
                f"skl2onnx cannot convert it: {str(error).splitlines()[0]}",
                "Convert the pipeline's steps that it knows, and put the others in the vector of the model's definition.",
            ) from error

    return Source("sklearn", answer, convert, [f"scikit-learn=={sklearn.__version__}", version_of(converter)], width, classes)


def torch_file(job):
    torch = need("torch")
    width = len(job["columns"])
    if job["model"].endswith(".pt2"):
        module = torch.export.load(job["model"]).module()
    else:
        try:
            module = torch.jit.load(job["model"], map_location="cpu").eval()
        except RuntimeError as error:
            raise Refused(
                "SX_IMPORT_INVALID",
                f"'{job['model']}' is neither a program of torch.export nor of TorchScript: weights alone say nothing of what is computed.",
                "Save it with torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2').",
            ) from error

    def answer(x):
        with torch.no_grad():
            said = module(torch.from_numpy(x)).numpy()
        return {"numbers": said[:, 0] if said.ndim == 2 and said.shape[1] == 1 else said}

    def convert():
        import tempfile

        onnx = need("onnx")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            torch.onnx.export(
                module, (torch.zeros(1, width),), path, input_names=["x"], output_names=["y"],
                dynamic_axes={"x": {0: "rows"}, "y": {0: "rows"}}, opset_version=OPSET, dynamo=False,
            )  # fmt: skip
            return onnx.load(path)

    return Source("torch", answer, convert, [version_of(torch)], width)


def tensorflow_file(job):
    tensorflow, tf2onnx = need("tensorflow"), need("tf2onnx")
    width = len(job["columns"])
    if os.path.isdir(job["model"]):
        loaded = tensorflow.saved_model.load(job["model"])
        call = loaded.signatures["serving_default"]
        name = next(iter(call.structured_input_signature[1]))

        def say(x):
            return next(iter(call(**{name: tensorflow.constant(x)}).values())).numpy()

        function = tensorflow.function(lambda x: next(iter(call(**{name: x}).values())))
    else:
        model = tensorflow.keras.models.load_model(job["model"], compile=False)

        def say(x):
            return model(x, training=False).numpy()

        function = tensorflow.function(lambda x: model(x, training=False))

    def answer(x):
        said = say(x)
        return {"numbers": said[:, 0] if said.ndim == 2 and said.shape[1] == 1 else said}

    def convert():
        spec = (tensorflow.TensorSpec((None, width), tensorflow.float32, name="x"),)
        made, _ = tf2onnx.convert.from_function(function, input_signature=spec, opset=OPSET)
        return made

    return Source("tensorflow", answer, convert, [version_of(tensorflow), version_of(tf2onnx)], width)


def onnx_file(job):
    onnx, runtime = need("onnx"), need("onnxruntime")
    model = onnx.load(job["model"])
    session = runtime.InferenceSession(job["model"], providers=["CPUExecutionProvider"])
    given = session.get_inputs()
    if len(given) != 1:
        raise Refused("SX_IMPORT_INVALID", f"'{job['model']}' has {len(given)} inputs.", "Add it with `sixfold model add`.")
    shape = given[0].shape
    width = shape[1] if len(shape) == 2 and isinstance(shape[1], int) else len(job["columns"])

    def answer(x):
        import numpy

        found = {}
        for output, said in zip(session.get_outputs(), session.run(None, {given[0].name: x})):
            if isinstance(said, list):
                found["probabilities"] = numpy.array([[row[key] for key in sorted(row)] for row in said])
            elif said.dtype.kind in "US O" or said.dtype.kind == "i":
                found["labels"] = said.ravel()
            elif said.ndim == 2 and said.shape[1] > 1:
                found["probabilities"] = said
            else:
                found["numbers"] = said.ravel()
        return found

    return Source("onnx", answer, lambda: without_zipmap(model), [version_of(onnx), version_of(runtime)], width)


def without_zipmap(model):
    """The tensor of probabilities itself, where an exporter made a list of maps of it, which few runtimes can give."""
    onnx = need("onnx")
    graph = model.graph
    for node in [one for one in graph.node if one.op_type == "ZipMap"]:
        (name,), tensor = node.output, node.input[0]
        kept = [one for one in graph.output if one.name != name]
        del graph.output[:]
        graph.output.extend([*kept, onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, [None, None])])
        graph.node.remove(node)
    return model


# --- rows on which both are asked


def sample_of(job, width):
    """Rows that the user gives, by the names of the vector's entries."""
    pandas = need("pandas")
    path = job["sample"]
    read = pandas.read_csv if path.endswith(".csv") else pandas.read_parquet
    try:
        frame = read(path)
    except ImportError as error:
        raise Refused("SX_IMPORT_PYTHON", f"Parquet cannot be read by this Python: {error}", f"{sys.executable} -m pip install pyarrow") from error
    names = [f"vector__{name}" if f"vector__{name}" in frame else name for name in job["columns"]]
    missing = [name for name in names if name not in frame]
    if missing:
        raise Refused("SX_LABELS_INVALID", f"'{path}' has no column '{missing[0]}'.", "Write the rows with `sixfold training-set`.")
    rows = frame[names]
    if len(rows) > job["rows"]:
        rows = rows.sample(job["rows"], random_state=7)
    return rows.to_numpy()


def drawn(job, width, converted):
    """About the thresholds of trees, where there are any, and else normal numbers of several sizes; strings cannot be made up."""
    import numpy

    if any(kind == "string" for kind in job["types"]):
        raise Refused("SX_USAGE", "The vector has texts, which cannot be made up.", "Give rows: --sample rows.parquet")
    draw = numpy.random.default_rng(7)
    rows = draw.normal(size=(job["rows"], width)) * 10.0 ** draw.integers(-1, 3, size=(job["rows"], 1))
    thresholds = [[] for _ in range(width)]
    for node in converted.graph.node:
        if node.op_type.startswith("TreeEnsemble"):
            of = {one.name: one for one in node.attribute}
            values = list(of["nodes_values"].floats) if "nodes_values" in of else []
            for mode, column, value in zip(of["nodes_modes"].strings, of["nodes_featureids"].ints, values):
                if mode != b"LEAF" and column < width:
                    thresholds[column].append(value)
    for column, values in enumerate(thresholds):
        if values:
            near = draw.choice(values, size=job["rows"])
            # Not at one: there rounding to 32 bits decides, and a row is not there by chance.
            rows[:, column] = near + draw.normal(size=job["rows"]) * (numpy.abs(near) * 0.05 + 0.01)
    return rows


def plain(values):
    return [value.item() if hasattr(value, "item") else value for value in values]


def main():
    job = json.load(sys.stdin)
    source = load(job)
    if source.width is not None and source.width != len(job["columns"]):
        raise Refused(
            "SX_SIGNATURE_MISMATCH",
            f"The model was trained on {source.width} columns, and the vector of the definition has {len(job['columns'])} entries.",
            "Train on what `sixfold training-set` writes, or correct the definition.",
        )
    import numpy

    converted = source.convert()
    if all(one.domain not in ("", "ai.onnx") for one in converted.opset_import):
        # Some write only the set that they use; a file says which standard it is of.
        converted.opset_import.append(need("onnx").helper.make_opsetid("", OPSET))
    rows = sample_of(job, source.width) if job["sample"] else drawn(job, source.width, converted)
    texts = any(kind == "string" for kind in job["types"])
    x = rows if texts else rows.astype(numpy.float64 if job["double"] else numpy.float32)
    if not texts and job["sample"] is None:
        x = x.astype(numpy.float32)
    said = source.answer(x)
    with open(job["out"], "wb") as file:
        file.write(converted.SerializeToString())
    import platform

    opsets = {one.domain or "ai.onnx": one.version for one in converted.opset_import}
    answers = {name: [plain(row) if numpy.ndim(row) else (row.item() if hasattr(row, "item") else row) for row in values] for name, values in said.items()}
    finite = [[None if isinstance(v, float) and not numpy.isfinite(v) else v for v in plain(row)] for row in x]
    return {
        "framework": source.framework,
        "packages": [*source.packages, version_of(need("onnx")), version_of(numpy)],
        "language": f"Python {platform.python_version()}",
        "opsets": opsets,
        "classes": None if source.classes is None else plain(source.classes),
        "rows": finite,
        "answers": answers,
    }


if __name__ == "__main__":
    # What frameworks print belongs to people; the last line is ours.
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        result = main()
    except Refused as refused:
        result = {"error": {"code": refused.code, "message": str(refused), "fix": refused.fix}}
    except Exception as error:  # noqa: BLE001
        import traceback

        traceback.print_exc()
        why = str(error).strip().splitlines()
        result = {"error": {"code": "SX_IMPORT_INVALID", "message": f"{type(error).__name__}: {why[0] if why else ''}", "fix": None}}
    out.write("\n" + json.dumps(result, allow_nan=False) + "\n")
