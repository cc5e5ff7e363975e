"""Models of all frameworks that this Python has, as these save them, and what they answer: `python frameworks.py FOLDER`.

Writes `models.json`: of each, its file, the definition that it is for, and what the framework itself says of the rows there."""
import json
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
draw = np.random.default_rng(3)
x = draw.normal(size=(800, 3)).astype(np.float32)
signal = x[:, 0] * 2 - x[:, 1] * x[:, 2]
both = np.stack([signal, -signal], axis=1)
binary, place = (signal > 0).astype(int), np.digitize(signal, [-1, 1])
named = np.array(["low", "middle", "high"])[place]
asked = draw.normal(size=(200, 3)).astype(np.float32)
made = []


def keep(definition, file, answers, labels=None, converts=True):
    """Of two probabilities the second is asked for. Some cannot be converted, which is to be seen."""
    answers = np.asarray(answers, dtype=np.float64)
    if definition == "likely":
        answers = answers[:, -1] if answers.ndim == 2 else answers
    made.append({
        "definition": definition, "file": file, "answers": answers.reshape(len(asked), -1).tolist(),
        "labels": None if labels is None else np.asarray(labels).ravel().tolist(),
        "converts": converts,
    })  # fmt: skip


def sklearn():
    import joblib
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for file, definition, model, y in (
        ("scaled.joblib", "likely", make_pipeline(StandardScaler(), LogisticRegression()), binary),
        ("line.pkl", "amount", LinearRegression(), signal),
        ("forest.joblib", "pair", RandomForestRegressor(20, random_state=1), both),
        ("named.joblib", "which", RandomForestClassifier(20, random_state=1), named),
    ):
        joblib.dump(model.fit(x, y), folder / file)
        classifies = definition in ("likely", "which")
        keep(definition, file, (model.predict_proba if classifies else model.predict)(asked), model.predict(asked) if definition == "which" else None)


def lightgbm():
    import joblib
    import lightgbm

    few = {"n_estimators": 20, "verbose": -1}
    model = lightgbm.LGBMClassifier(**few).fit(x, binary)
    model.booster_.save_model(folder / "lightgbm-likely.txt")
    keep("likely", "lightgbm-likely.txt", model.predict_proba(asked))
    model = lightgbm.LGBMRegressor(**few).fit(x, signal)
    model.booster_.save_model(folder / "lightgbm-amount.txt")
    keep("amount", "lightgbm-amount.txt", model.predict(asked))
    model = lightgbm.LGBMClassifier(**few).fit(x, place)
    model.booster_.save_model(folder / "lightgbm-which.txt")
    keep("which", "lightgbm-which.txt", model.predict_proba(asked), np.array(["low", "middle", "high"])[model.predict(asked)])
    # The second time by its names, which are in another order.
    model = lightgbm.LGBMClassifier(**few).fit(x, named)
    joblib.dump(model, folder / "lightgbm-named.joblib")
    keep("which", "lightgbm-named.joblib", model.predict_proba(asked), model.predict(asked))


def xgboost():
    import xgboost

    for file, definition, kind, y in (
        ("xgboost.json", "likely", xgboost.XGBClassifier, binary),
        ("xgboost.ubj", "amount", xgboost.XGBRegressor, signal),
        ("xgboost-which.json", "which", xgboost.XGBClassifier, place),
        ("xgboost-pair.json", "pair", xgboost.XGBRegressor, both),
    ):
        model = kind(n_estimators=20).fit(x, y)
        model.save_model(folder / file)
        classifies = definition in ("likely", "which")
        labels = np.array(["low", "middle", "high"])[model.predict(asked)] if definition == "which" else None
        keep(definition, file, model.predict_proba(asked) if classifies else model.predict(asked), labels, definition != "pair")
    model = xgboost.train({"objective": "multi:softmax", "num_class": 3}, xgboost.DMatrix(x, place), 10)
    model.save_model(folder / "xgboost-softmax.ubj")
    rows = xgboost.DMatrix(asked)
    margins = np.exp(model.predict(rows, output_margin=True))
    labels = np.array(["low", "middle", "high"])[model.predict(rows).astype(int)]
    keep("which", "xgboost-softmax.ubj", margins / margins.sum(axis=1, keepdims=True), labels)


def catboost():
    import catboost

    few = {"iterations": 20, "verbose": 0, "train_dir": str(folder / "catboost")}
    for file, definition, model, y in (
        ("catboost-likely.cbm", "likely", catboost.CatBoostClassifier(**few), binary),
        ("catboost-amount.cbm", "amount", catboost.CatBoostRegressor(**few), signal),
        ("catboost-which.cbm", "which", catboost.CatBoostClassifier(**few), named),
        ("catboost-pair.cbm", "pair", catboost.CatBoostRegressor(loss_function="MultiRMSE", **few), both),
    ):
        model.fit(x, y).save_model(str(folder / file))
        classifies = definition in ("likely", "which")
        labels = model.predict(asked) if definition == "which" else None
        keep(definition, file, model.predict_proba(asked) if classifies else model.predict(asked), labels, definition != "pair")


def torch():
    import torch
    from torch import nn

    torch.manual_seed(1)
    rows = torch.export.Dim("rows")
    for definition, width, last in (("likely", 1, nn.Sigmoid()), ("amount", 1, nn.Identity()), ("shares", 3, nn.Softmax(1))):
        model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, width), last).eval()
        example = torch.zeros(2, 3)
        torch.export.save(torch.export.export(model, (example,), dynamic_shapes=({0: rows},)), folder / f"torch-{definition}.pt2")
        torch.jit.save(torch.jit.trace(model, (example,)), folder / f"torch-{definition}.pt")
        torch.save(model, folder / f"torch-{definition}.pth")
        with torch.no_grad():
            for end in ("pt2", "pt", "pth"):
                keep(definition, f"torch-{definition}.{end}", model(torch.from_numpy(asked)).numpy())


def tensorflow():
    import tensorflow

    tensorflow.keras.utils.set_random_seed(1)
    layers = tensorflow.keras.layers
    for definition, width, last in (("likely", 1, "sigmoid"), ("amount", 1, None), ("shares", 3, "softmax")):
        model = tensorflow.keras.Sequential(
            [layers.Input((3,)), layers.Dense(16, activation="relu"), layers.BatchNormalization(), layers.Dense(width, activation=last)]
        )
        said = model(asked, training=False).numpy()
        for end in ("keras", "h5"):
            model.save(folder / f"keras-{definition}.{end}")
            keep(definition, f"keras-{definition}.{end}", said)
        model.export(folder / f"exported-{definition}")
        keep(definition, f"exported-{definition}", said)
        tensorflow.saved_model.save(model, str(folder / f"saved-{definition}"))
        keep(definition, f"saved-{definition}", said)
    # Python code within the file.
    model = tensorflow.keras.Sequential([layers.Input((3,)), layers.Lambda(lambda rows: rows * 2.0), layers.Dense(1)])
    model.save(folder / "lambda.keras")
    keep("amount", "lambda.keras", model(asked).numpy())


for framework in (sklearn, lightgbm, xgboost, catboost, torch, tensorflow):
    try:
        framework()
    except ImportError as error:
        print(f"without {framework.__name__}: {error}", file=sys.stderr)
json.dump({"rows": asked.astype(np.float64).tolist(), "models": made}, open(folder / "models.json", "w"))
