"""The same three views in Feast: sqlite or Redis online, DuckDB offline.

    python feast_store.py REPO DATA [HOST:PORT]
                                        prepares a repository for DATA/va.parquet, vb.parquet and vc.parquet, then does what
                                        lines of JSON on its input ask for, and answers each with a line of JSON.

Each answer has the seconds that Feast took, without starting Python and reading what is asked about.
"""

import json
import os
import resource
import sys
import time
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, ValueType
from feast.data_source import PushMode
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.types import Float64

TABLES = {"va": 8, "vb": 6, "vc": 6}
FIRST, LAST = datetime(2025, 12, 31, tzinfo=timezone.utc), datetime(2026, 4, 2, tzinfo=timezone.utc)

CONFIG = """
project: bench
provider: local
registry: registry.db
online_store:
{online}
offline_store:
    type: duckdb
entity_key_serialization_version: 3
"""


def prepare(repo: str, data: str, redis: str | None) -> FeatureStore:
    online = "    type: sqlite\n    path: online.db" if redis is None else f"    type: redis\n    connection_string: {redis}"
    os.makedirs(repo, exist_ok=True)
    with open(os.path.join(repo, "feature_store.yaml"), "w") as file:
        file.write(CONFIG.format(online=online))
    store = FeatureStore(repo_path=repo)
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    views = [view(name, columns, user, data) for name, columns in TABLES.items()]
    store.apply([user, *views, FeatureService(name="all", features=views)])
    return store


def view(name: str, columns: int, user: Entity, data: str) -> FeatureView:
    history = FileSource(name=f"{name}_history", path=f"{data}/{name}.parquet", timestamp_field="ts")
    return FeatureView(
        name=name,
        entities=[user],
        ttl=timedelta(days=365),
        schema=[Field(name=f"f{i}", dtype=Float64) for i in range(columns)],
        source=PushSource(name=f"{name}_pushed", batch_source=history),
        online=True,
    )


class Worker:
    def __init__(self, repo: str, data: str, redis: str | None = None):
        self.repo = repo
        self.data = data
        self.store = prepare(repo, data, redis)
        self.service = self.store.get_feature_service("all")

    def join(self, labels: str, out: str, how: str):
        frame = pd.read_parquet(labels).rename(columns={"at": "event_timestamp"})
        began = time.perf_counter()
        job = self.store.get_historical_features(entity_df=frame, features=self.service, full_feature_names=True)
        if how == "persist":
            job.persist(SavedDatasetFileStorage(path=out), allow_overwrite=True)
        elif how == "arrow":
            parquet.write_table(job.to_arrow(), out)
        else:
            job.to_df().to_parquet(out)
        return time.perf_counter() - began

    def materialize(self):
        began = time.perf_counter()
        self.store.materialize(FIRST, LAST)
        return time.perf_counter() - began

    def read(self, users: int, reads: int):
        ids = np.random.default_rng(1).integers(0, users, reads).tolist()
        began = time.perf_counter()
        for user in ids:
            self.store.get_online_features(
                features=self.service, entity_rows=[{"user_id": user}], full_feature_names=True
            ).to_dict()
        return time.perf_counter() - began

    def push(self, batches: int, rows: int):
        frame = pd.read_parquet(f"{self.data}/va.parquet").head(batches * rows)
        parts = [frame.iloc[i * rows : (i + 1) * rows] for i in range(batches)]
        began = time.perf_counter()
        for part in parts:
            self.store.push("va_pushed", part, to=PushMode.ONLINE)
        return time.perf_counter() - began


def main() -> None:
    # What the libraries print is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(*sys.argv[1:4])
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            seconds = getattr(worker, asked.pop("do"))(**asked)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(json.dumps({"seconds": seconds, "peakMiB": peak}), file=answers, flush=True)
        except Exception as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers, flush=True)


main()
