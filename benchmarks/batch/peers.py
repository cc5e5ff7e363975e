"""What a team would write without Sixfold: the same rows, the same model, the same answers as Parquet.

    python peers.py pyspark MODEL IN OUT     Spark on two cores, a pandas UDF around onnxruntime
    python peers.py pyarrow MODEL IN OUT     a loop of pyarrow and onnxruntime, which computes on two threads
    python peers.py floor   MODEL            onnxruntime alone, in two processes, over rows in memory

The last line is JSON: the rows, the seconds without starting anything, and the most memory of a process in MiB.
"""

import glob
import json
import multiprocessing
import os
import resource
import sys
import time

import numpy as np

FEATURES = [f"f{i}" for i in range(12)]


def session(model, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def by_spark(model, source, out):
    from collections.abc import Iterator

    import pandas
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import pandas_udf, struct

    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "20000")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")

    @pandas_udf("float")
    def score(frames: Iterator[pandas.DataFrame]) -> Iterator[pandas.Series]:
        one = session(model, 1)
        for frame in frames:
            yield pandas.Series(one.run(["probabilities"], {"x": frame.to_numpy(np.float32)})[0][:, 1])

    began = time.perf_counter()
    rows = spark.read.parquet(source)
    rows.select("id", score(struct(*FEATURES)).alias("score")).write.mode("overwrite").parquet(out)
    took = time.perf_counter() - began
    return spark.read.parquet(out).count(), took


def by_pyarrow(model, source, out):
    import pyarrow
    import pyarrow.parquet as parquet

    one = session(model, 2)
    schema = pyarrow.schema([("id", pyarrow.int64()), ("score", pyarrow.float32())])
    began = time.perf_counter()
    rows = 0
    with parquet.ParquetWriter(out, schema) as writer:
        for path in sorted(glob.glob(f"{source}/*.parquet")):
            for batch in parquet.ParquetFile(path).iter_batches(65_536):
                x = np.column_stack([batch.column(name).to_numpy() for name in FEATURES])
                scores = one.run(["probabilities"], {"x": x})[0][:, 1]
                writer.write_batch(pyarrow.record_batch([batch.column("id"), pyarrow.array(scores)], schema=schema))
                rows += len(scores)
    return rows, time.perf_counter() - began


def alone(model, ready, go, answers):
    one = session(model, 1)
    x = np.random.default_rng(1).standard_normal((1_024, len(FEATURES))).astype(np.float32)
    one.run(["probabilities"], {"x": x})
    ready.release()
    go.wait()
    began = time.perf_counter()
    calls = 0
    while time.perf_counter() - began < 4:
        one.run(["probabilities"], {"x": x})
        calls += 1
    answers.put((calls * len(x), time.perf_counter() - began))


def floor(model):
    ready, go, answers = multiprocessing.Semaphore(0), multiprocessing.Event(), multiprocessing.Queue()
    both = [multiprocessing.Process(target=alone, args=(model, ready, go, answers)) for _ in range(2)]
    for one in both:
        one.start()
    for _ in both:
        ready.acquire()
    go.set()
    done = [answers.get() for _ in both]
    for one in both:
        one.join()
    return sum(rows for rows, _ in done), max(took for _, took in done)


if __name__ == "__main__":
    how, *arguments = sys.argv[1:]
    rows, took = {"pyspark": by_spark, "pyarrow": by_pyarrow, "floor": floor}[how](*arguments)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"rows": rows, "seconds": took, "peakMiB": most}))
