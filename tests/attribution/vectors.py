"""
Models as their exporters write them, and what Python's shap says of their answers: interventional, over a background that is told.

    python -m venv venv
    venv/bin/pip install shap==0.51.0 lightgbm==4.7.0 xgboost==3.2.0 scikit-learn==1.9.1 onnxmltools==1.16.0 skl2onnx==1.20.0 onnx==1.23.2
    venv/bin/python tests/attribution/vectors.py tests/attribution/vectors

Each case is NAME.onnx and NAME.json: the background, the rows, and for each row its base, its margin and a contribution for each column.
"""
import json
import sys
from pathlib import Path

import lightgbm
import numpy as np
import shap
import xgboost
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
draw = np.random.default_rng(7)
columns = 6
# Of few digits, so that all is the same in floats and in doubles.
x = np.round(draw.normal(size=(600, columns)) * 4) / 4
signal = x[:, 0] * 2 - x[:, 1] * x[:, 2] + np.where(x[:, 3] > 0.3, 1.5, -0.5) + draw.normal(size=600) * 0.3
binary = (signal > 0).astype(int)
three = np.digitize(signal, [-1.0, 1.0])
background, rows = x[:40], x[100:120]


def write(name, model, explained, place=None, given=(background, rows)):
    """`explained`: values of shap [rows, columns], or with a last axis of which `place` is the one."""
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    values, base = explained
    if place is not None:
        values, base = values[..., place], np.ravel(base)[place]
    base = float(np.ravel(base)[0])
    case = {
        "place": place,
        "background": [[None if np.isnan(v) else v for v in row] for row in given[0].tolist()],
        "rows": [[None if np.isnan(v) else v for v in row] for row in given[1].tolist()],
        "base": base,
        "contributions": np.asarray(values, dtype=float).tolist(),
    }
    (folder / f"{name}.json").write_text(json.dumps(case) + "\n")
    print(name, base)


def trees(model, output="raw", given=(background, rows)):
    explainer = shap.TreeExplainer(model, given[0], feature_perturbation="interventional", model_output=output)
    return explainer.shap_values(given[1], check_additivity=False), explainer.expected_value


def linear(weights, base, given=(background, rows)):
    explainer = shap.LinearExplainer((weights, base), shap.maskers.Independent(given[0], max_samples=len(given[0])))
    return explainer.shap_values(given[1]), explainer.expected_value


tools = [("x", ToolsFloat([None, columns]))]
sklearn = [("x", FloatTensorType([None, columns]))]
plain = {"zipmap": False}


def main():
    lgb = dict(n_estimators=30, num_leaves=15, min_child_samples=5, verbose=-1, random_state=1)
    model = lightgbm.LGBMClassifier(**lgb).fit(x, binary)
    write("lightgbm-binary", convert_lightgbm(model, "m", tools, zipmap=False), trees(model))
    model = lightgbm.LGBMRegressor(**lgb).fit(x, signal)
    write("lightgbm-regression", convert_lightgbm(model, "m", tools), trees(model))
    model = lightgbm.LGBMClassifier(**lgb).fit(x, three)
    values, base = trees(model)
    write("lightgbm-classes", convert_lightgbm(model, "m", tools, zipmap=False), (np.asarray(values), base), 2)

    holes = x.copy()
    holes[draw.random(size=x.shape) < 0.1] = np.nan
    given = (holes[:40], holes[100:120])
    xgb = dict(n_estimators=30, max_depth=4, random_state=1)
    model = xgboost.XGBClassifier(**xgb).fit(holes, binary)
    write("xgboost-binary", convert_xgboost(model, "m", tools), trees(model, given=given), given=given)
    model = xgboost.XGBRegressor(**xgb).fit(x, signal)
    write("xgboost-regression", convert_xgboost(model, "m", tools), trees(model))

    model = RandomForestClassifier(n_estimators=25, max_depth=7, random_state=1).fit(x, binary)
    write("forest-binary", convert_sklearn(model, "m", sklearn, options={id(model): plain}), trees(model), 1)
    model = RandomForestRegressor(n_estimators=25, max_depth=7, random_state=1).fit(x, signal)
    write("forest-regression", convert_sklearn(model, "m", sklearn), trees(model))
    model = GradientBoostingClassifier(n_estimators=25, random_state=1).fit(x, binary)
    write("boosting-binary", convert_sklearn(model, "m", sklearn, options={id(model): plain}), trees(model))

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, binary)
    scaler, last = model[0], model[1]
    weights = last.coef_[0] / scaler.scale_
    base = last.intercept_[0] - (weights * scaler.mean_).sum()
    write("logistic-scaled", convert_sklearn(model, "m", sklearn, options={id(last): plain}), linear(weights, base))
    model = LogisticRegression().fit(x, three)
    onnx = convert_sklearn(model, "m", sklearn, options={id(model): plain})
    write("logistic-classes", onnx, linear(model.coef_[2], model.intercept_[2]))
    model = LinearRegression().fit(x, signal)
    double = convert_sklearn(model, "m", [("x", DoubleTensorType([None, columns]))])
    write("linear-double", double, linear(model.coef_, model.intercept_))


main()
