"""Evidently's drift preset over two files: one line of JSON with the seconds that it takes from the files, and from frames in memory."""
import json
import sys
import time
import warnings

import pandas
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

warnings.simplefilter("ignore")
began = time.perf_counter()
reference, current = (pandas.read_parquet(path) for path in sys.argv[1:3])
read = time.perf_counter() - began
numbers = [name for name in reference.columns if name.startswith("n")]
texts = [name for name in reference.columns if name.startswith("c")]
definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
began = time.perf_counter()
sides = [Dataset.from_pandas(frame, definition) for frame in (current, reference)]
metrics = Report([DataDriftPreset()]).run(*sides).dict()["metrics"]
took = time.perf_counter() - began
print(json.dumps({"read": read, "seconds": took, "drifted": int(metrics[0]["value"]["count"])}))
