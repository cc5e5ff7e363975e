"""One job of a batch on Spark: rows of files become vectors by a query, and vectors outputs by a model.

Started by `spark-submit spark_batch.py JOB`, where JOB is a description as JSON that Sixfold writes (src/adapters/spark/job.ts).
Each partition becomes one Parquet file, in the order of its rows; overwriting a partition leaves the others as they are, so a job
that is started again gives the same. Whatever is wrong with the data ends it with one line of JSON on standard output: an error's
code and message.
"""

import functools
import json
import os
import sys
import time
import unicodedata


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


# --- the door: columns of files as the types that definitions know


def canonical(column, physical, wanted, zone, what):
    """The column as one of our types: instants as milliseconds, floats finite, strings in NFC."""
    from pyspark.sql import functions as f
    from pyspark.sql import types as t

    name = physical.simpleString()

    def refuse(why):
        raise Refused("SX_ROWS_INVALID", f"{what}: {why}")

    whole = isinstance(physical, (t.ByteType, t.ShortType, t.IntegerType, t.LongType))
    number = whole or isinstance(physical, (t.FloatType, t.DoubleType, t.DecimalType))
    if wanted == "boolean":
        return column if isinstance(physical, t.BooleanType) else refuse(f"a boolean is wanted, not {name}.")
    if wanted == "int64":
        if whole:
            return column.cast("bigint")
        if isinstance(physical, t.DecimalType) and physical.scale == 0:
            return column.try_cast("bigint")
        return refuse(f"an integer is wanted, not {name}.")
    if wanted == "float64":
        if not number:
            return refuse(f"a number is wanted, not {name}.")
        float64 = column.cast("double")
        return f.when(f.abs(float64) < f.lit(float("inf")), float64 + f.lit(0.0))
    if wanted == "string":
        return composed()(column) if isinstance(physical, t.StringType) else refuse(f"a string is wanted, not {name}.")
    zoned = isinstance(physical, t.TimestampType)
    if not zoned and not isinstance(physical, (t.TimestampNTZType, t.DateType)):
        return refuse(f"an instant is wanted, not {name}.")
    if not zoned and zone is None:
        return refuse("it has no zone, and none is named. Name it: zone: 'UTC'.")
    # The session is in UTC. Milliseconds are rounded down, before the epoch too.
    instant = f.unix_millis(column.cast("timestamp"))
    return instant if zoned else instant - f.lit(zone * 60000).cast("bigint")


@functools.cache
def composed():
    import pandas
    from pyspark.sql.functions import pandas_udf

    def nfc(values: pandas.Series) -> pandas.Series:
        return values.map(lambda text: text if text is None or text.isascii() else unicodedata.normalize("NFC", text))

    return pandas_udf(nfc, "string")


def through_the_door(frame, relation, beside=()):
    """The relation's columns under the names in which they are known; what a column may not hold is missing."""
    from pyspark.sql import functions as f

    fields = {field.name: field.dataType for field in frame.schema.fields}
    made = []
    for column in relation["columns"]:
        name = column["name"]
        if name not in fields:
            raise Refused("SX_ROWS_INVALID", f"{relation['what']} has no column '{name}'. It has {', '.join(fields)}.")
        source = f.col("`" + name.replace("`", "``") + "`")
        what = f"{relation['what']}: column '{name}'"
        made.append(canonical(source, fields[name], column["type"], relation["zone"], what).alias(column["as"]))
    taken = frame.select(*made, *beside)
    checked = [
        f.col(f"`{column['as']}`")
        if column["domain"] is None
        else f.expr(f"CASE WHEN {column['domain']} THEN `{column['as']}` END").alias(column["as"])
        for column in relation["columns"]
    ]
    return taken.select(*checked, *[f.col(f"`{name}`") for name in taken.columns[len(checked):]])


def rows_of(spark, relation):
    """All rows of all partitions, each with its partition and its place in its file."""
    from pyspark.sql import functions as f

    parts = {}
    for part in relation["parts"]:
        parts.setdefault(part["path"], []).append(part)
    whole = None
    for path, ranges in parts.items():
        frame = spark.read.parquet(path).withColumn("_sx_row", f.col("_metadata.row_index"))
        partition = None
        for part in ranges:
            inside = (f.col("_sx_row") >= part["from"]) & (f.col("_sx_row") < part["to"])
            chosen = f.lit(part["partition"])
            partition = f.when(inside, chosen) if partition is None else partition.when(inside, chosen)
        frame = frame.withColumn("_sx_partition", partition).where("_sx_partition IS NOT NULL")
        made = through_the_door(frame, relation, ("_sx_partition", "_sx_row"))
        whole = made if whole is None else whole.unionByName(made)
    return whole


# --- the model


@functools.cache
def session(model):
    """Once for a worker of Python, which goes on to the next task; a task has one core."""
    import onnxruntime
    from pyspark import SparkFiles

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(SparkFiles.get(model), options, providers=["CPUExecutionProvider"])


def tensor(batch, given):
    """Columns of an Arrow batch as one input. What is missing is NaN in floats; elsewhere its row has no answer, whoever reads it knows."""
    import numpy
    import pyarrow
    import pyarrow.compute

    columns = []
    for entry in given["entries"]:
        column = batch.column(batch.schema.get_field_index(f"vector__{entry}"))
        if given["type"] == "string":
            columns.append(numpy.array(column.fill_null("").to_pylist(), dtype=object))
        elif given["type"].startswith("float"):
            floats = column.cast(pyarrow.int8()) if pyarrow.types.is_boolean(column.type) else column
            columns.append(floats.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False))
        else:
            nothing = False if pyarrow.types.is_boolean(column.type) else 0
            columns.append(column.fill_null(nothing).to_numpy(zero_copy_only=False))
    if given["rank"] == 1:
        made = columns[0]
    else:
        made = numpy.stack(columns, axis=1) if columns else numpy.zeros((batch.num_rows, 0))
    return made if given["type"] == "string" else numpy.ascontiguousarray(made, dtype=given["type"])


def called(running, feed, outputs, rows):
    """The outputs as rows and columns."""
    import numpy

    return [numpy.asarray(value).reshape(rows, -1) for value in running.run(outputs, feed)]


def answers(batches, model, inputs, outputs, rows, took, chunk=2048):
    """Each batch with the model's outputs beside it, one column each. `took` is told of milliseconds: of processors here, of the model."""
    import numpy
    import pyarrow

    running = session(model)
    for batch in batches:
        before = time.process_time()
        made = [[] for _ in outputs]
        step = 1 if rows == 1 else chunk
        for first in range(0, batch.num_rows, step):
            part = batch.slice(first, step)
            feed = {given["name"]: tensor(part, given) for given in inputs}
            asked = time.perf_counter()
            for output, value in zip(made, called(running, feed, outputs, part.num_rows)):
                output.append(value)
            took[1].add((time.perf_counter() - asked) * 1000)
        columns, names = list(batch.columns), list(batch.schema.names)
        if batch.num_rows == 0:
            continue
        for i, parts in enumerate(made):
            value = numpy.concatenate(parts)
            for k in range(value.shape[1]):
                column = value[:, k].astype("int64") if value.dtype == "int32" else value[:, k]
                texts = column.dtype == object
                columns.append(pyarrow.array([str(text) for text in column]) if texts else pyarrow.array(column))
                names.append(f"tensor__{i}__{k}")
        took[0].add((time.process_time() - before) * 1000)
        yield pyarrow.RecordBatch.from_arrays(columns, names=names)


def output_columns(model, inputs, outputs):
    """What the outputs are, as Spark calls it, and how wide: found by asking the model about one row of nothing."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    running = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {}
    for given in inputs:
        shape = (1,) if given["rank"] == 1 else (1, len(given["entries"]))
        empty = given["type"] == "string"
        feed[given["name"]] = numpy.full(shape, "", dtype=object) if empty else numpy.zeros(shape, dtype=given["type"])
    known = {one.name: one.type.removeprefix("tensor(").removesuffix(")") for one in running.get_outputs()}
    names = {"float": "float", "double": "double", "int64": "bigint", "int32": "bigint", "string": "string", "bool": "boolean"}
    return [
        (f"tensor__{i}__{k}", names[known[name]])
        for i, (name, value) in enumerate(zip(outputs, called(running, feed, outputs, 1)))
        for k in range(value.shape[1])
    ]


# --- the job


def run(job):
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as f
    from pyspark.sql import types as t

    # Before a session is there that others could have made otherwise.
    spark = (
        SparkSession.builder.appName("sixfold batch")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "false")
        # An integer that overflows on the way is missing: sums and products stay in their order.
        .config("spark.sql.optimizer.excludedRules", "org.apache.spark.sql.catalyst.optimizer.ReorderAssociativeOperator")
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "65536")
        .config("spark.python.worker.reuse", "true")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .getOrCreate()
    )
    context = spark.sparkContext
    context.addFile(job["model"])
    # Workers load this file by its name, so that what they keep is kept from task to task.
    context.addPyFile(os.path.abspath(__file__))
    rows_of(spark, job["rowsOf"]).createOrReplaceTempView(job["rowsOf"]["name"])
    for source in job["sources"]:
        through_the_door(spark.read.parquet(*source["paths"]), source).createOrReplaceTempView(source["name"])
    vectors = spark.sql(job["sql"])
    model, inputs, outputs, rows = os.path.basename(job["model"]), job["inputs"], job["outputs"], job["rows"]

    took = [context.accumulator(0.0), context.accumulator(0.0)]

    def score(batches):
        import spark_batch

        yield from spark_batch.answers(batches, model, inputs, outputs, rows, took)

    made = [t.StructField(name, t._parse_datatype_string(of)) for name, of in output_columns(job["model"], inputs, outputs)]
    scored = vectors.mapInArrow(score, t.StructType([*vectors.schema.fields, *made]))
    partitions = len({part["partition"] for part in job["rowsOf"]["parts"]})
    (
        scored.repartition(partitions, f.col("_sx_partition"))
        .sortWithinPartitions("_sx_partition", "_sx_row")
        .write.mode("overwrite")
        .partitionBy("_sx_partition")
        .parquet(job["out"])
    )
    told = {"columns": [field.name for field in made], "cpuMs": took[0].value + cpu_of_tasks(context), "modelMs": took[1].value}
    spark.stop()
    return told


def cpu_of_tasks(context):
    """Milliseconds of processors that Java took for all tasks, as far as Spark tells; Python's are counted where they are used."""
    gateway = context._gateway
    nothing = (gateway.new_array(gateway.jvm.double, 0), gateway.jvm.java.util.ArrayList())
    try:
        stages = context._jsc.sc().statusStore().stageList(None, False, False, *nothing)
        return sum(stages.apply(i).executorCpuTime() for i in range(stages.size())) / 1e6
    except Exception:
        return 0.0


def main(path):
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    try:
        told = run(job)
    except Refused as refused:
        print(json.dumps({"error": {"code": refused.code, "message": str(refused)}}), flush=True)
        return 3
    print(json.dumps({"done": told}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
