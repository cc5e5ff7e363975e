"""LightGBM, XGBoost and CatBoost: by the files that they save themselves, which are data, or as objects out of a pickle."""

import json
import os
import tempfile

from .common import OPSET, Source, need, version_of
from .onnx_file import without_zipmap


def tree_types(width):
    from onnxmltools.convert.common.data_types import FloatTensorType

    return [("x", FloatTensorType([None, width]))]


def labelled(raw):
    """Of one margin's probability both, where that is what a framework gives."""
    import numpy

    raw = numpy.asarray(raw)
    return numpy.stack([1 - raw, raw], axis=1) if raw.ndim == 1 else raw


def lightgbm_file(path):
    return lightgbm_model(need("lightgbm").Booster(model_file=path))


def lightgbm_model(model):
    lightgbm, tools = need("lightgbm"), need("onnxmltools")
    booster = getattr(model, "booster_", model)
    text = booster.model_to_string()
    objective = next((line[10:].split(" ")[0] for line in text.splitlines() if line.startswith("objective=")), "")
    classifies = objective in ("binary", "multiclass", "multiclassova", "cross_entropy")
    classes = list(model.classes_) if hasattr(model, "classes_") else None
    width = booster.num_feature()

    def answer(x):
        # As the file will be served: numbers of 32 bits.
        said = booster.predict(x.astype("float64"))
        return {"probabilities": labelled(said)} if classifies else {"numbers": said}

    def convert():
        # The estimator, where there is one: only it knows how classes are called.
        return tools.convert_lightgbm(model, initial_types=tree_types(width), target_opset=OPSET, zipmap=False)

    return Source("lightgbm", answer, convert, [version_of(lightgbm), version_of(tools)], width, classes)


def xgboost_file(path):
    booster = need("xgboost").Booster()
    # Of a file by its name it would believe the name.
    with open(path, "rb") as file:
        booster.load_model(bytearray(file.read()))
    return xgboost_model(booster)


def xgboost_model(model):
    xgboost, tools = need("xgboost"), need("onnxmltools")
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    classes = list(model.classes_) if hasattr(model, "classes_") else None
    width = booster.num_features()
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective == "multi:softmax":
        # The same model, which answers the shares that its answers are the greatest of.
        booster.set_param({"objective": "multi:softprob"})
    classifies = objective == "binary:logistic" or objective.startswith("multi:")
    booster.feature_names = None

    def answer(x):
        said = booster.predict(xgboost.DMatrix(x))
        return {"probabilities": labelled(said)} if classifies else {"numbers": said}

    def convert():
        return without_zipmap(tools.convert_xgboost(booster, initial_types=tree_types(width), target_opset=OPSET))

    return Source("xgboost", answer, convert, [version_of(xgboost), version_of(tools)], width, classes)


def catboost_file(path):
    model = need("catboost").CatBoost()
    model.load_model(path, format="cbm")
    return catboost_model(model)


def catboost_model(model):
    catboost, onnx = need("catboost"), need("onnx")
    classes = list(model.classes_) if len(getattr(model, "classes_", [])) > 0 else None

    def answer(x):
        if classes is None:
            return {"numbers": model.predict(x)}
        return {"probabilities": model.predict(x, prediction_type="Probability")}

    def convert():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            model.save_model(path, format="onnx")
            return without_zipmap(onnx.load(path))

    return Source("catboost", answer, convert, [version_of(catboost)], len(model.feature_names_), classes)
