"""What comes out of a pickle that the user trusts: an estimator of scikit-learn, or one of a framework of trees."""

from .common import ML_OPSET, OPSET, Refused, Source, first_line, need, version_of
from .trees import catboost_model, lightgbm_model, xgboost_model


def pickled(path, job):
    return of_object(need("joblib").load(path), job)


def skops_archive(path, job):
    skops = need("skops.io", "skops")
    return of_object(skops.load(path, trusted=skops.get_untrusted_types(file=path)), job)


def of_object(model, job):
    module = type(model).__module__.split(".")[0]
    if module == "lightgbm":
        return lightgbm_model(model)
    if module == "xgboost":
        return xgboost_model(model)
    if module == "catboost":
        return catboost_model(model)
    if hasattr(model, "predict"):
        return sklearn_model(model, job)
    raise Refused("SX_IMPORT_INVALID", f"What is pickled is a {type(model).__module__}.{type(model).__qualname__}, which predicts nothing.")


def sklearn_model(model, job):
    sklearn, converter = need("sklearn", "scikit-learn"), need("skl2onnx")
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    names, types = job["columns"], job["types"]
    texts = [i for i, kind in enumerate(types) if kind == "string"]
    width = getattr(model, "n_features_in_", len(names))
    classes = list(model.classes_) if hasattr(model, "classes_") else None
    if classes is not None and any(isinstance(one, (list, tuple)) or getattr(one, "ndim", 0) > 0 for one in classes):
        raise Refused(
            "SX_IMPORT_INVALID",
            f"The classifier answers {len(classes)} questions at once, each with classes of its own.",
            "Save one classifier for each question, and define a model for each.",
        )

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
        said = model.predict(given)
        return {"numbers": said[:, 0] if said.ndim == 2 and said.shape[1] == 1 else said}

    def convert():
        initial = (
            [(name, (StringTensorType if i in texts else FloatTensorType)([None, 1])) for i, name in enumerate(names)]
            if texts
            else [("x", FloatTensorType([None, width]))]
        )
        options = {id(model): {"zipmap": False}} if classes is not None else None
        opsets = {"": OPSET, "ai.onnx.ml": ML_OPSET}
        try:
            return converter.convert_sklearn(model, initial_types=initial, target_opset=opsets, options=options)
        except (MissingConverter, MissingShapeCalculator) as error:
            raise Refused(
                "SX_IMPORT_INVALID",
                f"skl2onnx cannot convert it: {first_line(error)}",
                "Convert the pipeline's steps that it knows, and put the others in the vector of the model's definition.",
            ) from error

    return Source("sklearn", answer, convert, [f"scikit-learn=={sklearn.__version__}", version_of(converter)], width, classes)
