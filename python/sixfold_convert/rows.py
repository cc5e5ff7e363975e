"""The rows on which both are asked: the user's, or made up."""

import sys

from .common import Refused, first_line, need


def sample_of(job):
    """Rows that the user gives, by the names of the vector's entries."""
    pandas = need("pandas")
    path = job["sample"]
    read = pandas.read_csv if path.lower().endswith(".csv") else pandas.read_parquet
    try:
        frame = read(path)
    except ImportError as error:
        raise Refused("SX_IMPORT_PYTHON", f"Parquet cannot be read by this Python: {error}", f"{sys.executable} -m pip install pyarrow") from error
    except Exception as error:
        raise Refused("SX_LABELS_INVALID", f"'{path}' cannot be read: {first_line(error)}", "Give Parquet, or CSV with a line of names.") from error
    names = [f"vector__{name}" if f"vector__{name}" in frame else name for name in job["columns"]]
    missing = [name for name in names if name not in frame]
    if missing:
        raise Refused("SX_LABELS_INVALID", f"'{path}' has no column '{missing[0]}'.", "Write the rows with `sixfold training-set`.")
    rows = frame[names]
    if len(rows) == 0:
        raise Refused("SX_LABELS_INVALID", f"'{path}' has no rows.", "Give some that the model would see.")
    if len(rows) > job["rows"]:
        rows = rows.sample(job["rows"], random_state=7)
    return table([column(rows[name], kind, path) for name, kind in zip(names, job["types"])], job)


def column(series, kind, path):
    import numpy

    if kind == "string":
        if series.isna().any():
            raise Refused("SX_LABELS_INVALID", f"'{path}' lacks some values of '{series.name}', and no text can be missing.", "Leave out those rows.")
        return series.astype(str).to_numpy(dtype=object)
    try:
        return series.to_numpy(dtype=numpy.float64, na_value=numpy.nan)
    except (TypeError, ValueError) as error:
        raise Refused(
            "SX_LABELS_INVALID", f"'{path}' has a value in '{series.name}' that is no {kind}: {first_line(error)}", "Correct the column."
        ) from error


def table(columns, job):
    """As the file takes them: numbers of 32 bits, and texts beside them where the vector has some."""
    import numpy

    def narrowed(values):
        with numpy.errstate(over="ignore"):
            values = values.astype(numpy.float32)
        # As the vector has it, where no number is infinite: it is missing.
        values[numpy.isinf(values)] = numpy.nan
        return values

    narrow = [values if kind == "string" else narrowed(values) for values, kind in zip(columns, job["types"])]
    if "string" not in job["types"]:
        return numpy.stack(narrow, axis=1)
    rows = numpy.empty((len(columns[0]), len(columns)), dtype=object)
    for i, values in enumerate(narrow):
        rows[:, i] = values
    return rows


def drawn(job, converted):
    """About the thresholds of trees, where there are any, and else normal numbers of several sizes; strings cannot be made up."""
    import numpy

    if "string" in job["types"]:
        raise Refused("SX_USAGE", "The vector has texts, which cannot be made up.", "Give rows: --sample rows.parquet")
    width = len(job["columns"])
    draw = numpy.random.default_rng(7)
    rows = draw.normal(size=(job["rows"], width)) * 10.0 ** draw.integers(-1, 3, size=(job["rows"], 1))
    for i, values in enumerate(thresholds_of(converted, width)):
        if values:
            near = draw.choice(values, size=job["rows"])
            # Not at one: there rounding to 32 bits decides, and a row is not there by chance.
            rows[:, i] = near + draw.normal(size=job["rows"]) * (numpy.abs(near) * 0.05 + 0.01)
    for i, kind in enumerate(job["types"]):
        if kind == "int64":
            rows[:, i] = numpy.rint(rows[:, i])
        elif kind == "boolean":
            rows[:, i] = draw.integers(0, 2, size=job["rows"])
    return table(list(rows.T), job)


def thresholds_of(converted, width):
    thresholds = [[] for _ in range(width)]
    for node in converted.graph.node:
        of = {one.name: one for one in node.attribute} if node.op_type.startswith("TreeEnsemble") else {}
        if "nodes_values" in of:
            for mode, at, value in zip(of["nodes_modes"].strings, of["nodes_featureids"].ints, of["nodes_values"].floats):
                if mode != b"LEAF" and at < width:
                    thresholds[at].append(value)
    return thresholds
