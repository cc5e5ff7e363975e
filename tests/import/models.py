"""Small models of several frameworks, as these save them: `python models.py FOLDER`."""
import json
import sys
from pathlib import Path

import joblib
import lightgbm
import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

folder = Path(sys.argv[1])
draw = np.random.default_rng(3)
x = draw.normal(size=(800, 3)).astype(np.float32)
signal = x[:, 0] * 2 - x[:, 1] * x[:, 2]
binary = (signal + draw.normal(size=800) * 0.3 > 0).astype(int)
three = np.digitize(signal, [-1, 1])

lightgbm.LGBMClassifier(n_estimators=30, verbose=-1).fit(x, binary).booster_.save_model(folder / "binary.txt")
lightgbm.LGBMRegressor(n_estimators=30, verbose=-1).fit(x, signal).booster_.save_model(folder / "number.txt")
joblib.dump(RandomForestClassifier(20, random_state=1).fit(x, three), folder / "three.joblib")
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, binary), folder / "scaled.joblib")
joblib.dump(GradientBoostingRegressor(random_state=1).fit(x, signal), folder / "boosted.pkl")

import pandas

frame = pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": np.where(x[:, 2] > 0, "up", "down")})
mixed = make_pipeline(
    ColumnTransformer([("number", StandardScaler(), ["a", "b"]), ("text", OneHotEncoder(), ["c"])]), LogisticRegression()
)
joblib.dump(mixed.fit(frame, binary), folder / "mixed.joblib")
frame.to_csv(folder / "mixed.csv", index=False)

zipped = convert_sklearn(
    LogisticRegression().fit(x, binary), initial_types=[("x", FloatTensorType([None, 3]))], target_opset={"": 15, "ai.onnx.ml": 3}
)
(folder / "zipmap.onnx").write_bytes(zipped.SerializeToString())
joblib.dump({"weights": [1, 2]}, folder / "nothing.joblib")
json.dump({"learner": x[:5].tolist()}, open(folder / "rows.json", "w"))

# --- odd ones

names = np.array(["low", "middle", "high"])[three]
joblib.dump(RandomForestClassifier(20, random_state=1).fit(x, names), folder / "named.joblib")
joblib.dump(RandomForestClassifier(5, random_state=1).fit(x, np.where(names == "high", "huge", names)), folder / "another.joblib")
joblib.dump(RandomForestRegressor(5, random_state=1).fit(x, np.stack([signal, -signal], axis=1)), folder / "pair.joblib")
joblib.dump(RandomForestClassifier(5, random_state=1).fit(x, np.stack([binary, three], axis=1)), folder / "questions.joblib")
joblib.dump(lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(x, names), folder / "lightgbm-named.joblib")

unsure = LinearRegression().fit(x, signal)
unsure.coef_[:] = np.nan
joblib.dump(unsure, folder / "nan.joblib")
gaps = np.where(draw.random(x.shape) < 0.2, np.nan, x)
gaps[0, 0], gaps[1, 1] = np.inf, -1e300
pandas.DataFrame(gaps, columns=list("abc")).to_csv(folder / "gaps.csv", index=False)

# Beyond numbers of 32 bits where its rows are far from zero.
steep = LinearRegression().fit(x, signal)
steep.coef_, steep.intercept_ = np.full(3, 3e38, dtype=np.float32), np.float32(0)
joblib.dump(steep, folder / "steep.joblib")

whole = np.stack([np.rint(x[:, 0] * 3), x[:, 1] > 0], axis=1).astype(np.float32)
joblib.dump(RandomForestRegressor(5, random_state=1).fit(whole, signal), folder / "whole.joblib")

(folder / "empty.txt").write_bytes(b"")
(folder / "none").mkdir()
with open(folder / "huge.txt", "wb") as file:
    file.truncate(20 * 2**30)
frame.assign(b="much").to_csv(folder / "texts.csv", index=False)
frame.drop(columns="b").to_csv(folder / "fewer.csv", index=False)
frame.head(0).to_csv(folder / "none.csv", index=False)
frame.assign(c=frame["c"].where(frame.index > 0)).to_csv(folder / "holes.csv", index=False)
(folder / "broken.parquet").write_bytes(b"PAR1")


class Leaves:
    """Ends the program that loads it."""

    def __reduce__(self):
        return sys.exit, (0,)


joblib.dump(Leaves(), folder / "leaves.joblib")
