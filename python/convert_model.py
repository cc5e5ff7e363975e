"""Converts a model of another framework to ONNX, and says what the framework itself answers to some rows.

Started by `sixfold model import` in the Python that its user names, with a description as JSON on standard input (src/runtime/convert.ts). The
last line of standard output is JSON: what was made of what by what, the rows and the answers; or an error's code, message and fix.
Nothing that may run code is loaded unless the description says that it is trusted: sixfold_convert/kind.py says what that is.
"""

import json
import os
import platform
import sys
import traceback

# What lies here may belong to somebody else.
sys.dont_write_bytecode = True

from sixfold_convert.common import OPSET, Refused, first_line, mismatch, need, version_of  # noqa: E402
from sixfold_convert.kind import settle  # noqa: E402
from sixfold_convert.rows import drawn, sample_of  # noqa: E402


def load(path, kind, framework, job):
    columns = len(job["columns"])
    if framework == "torch":
        from sixfold_convert.networks import torch_file

        return torch_file(path, kind, columns)
    if framework == "tensorflow":
        from sixfold_convert.networks import tensorflow_file

        return tensorflow_file(path, kind, columns)
    if kind == "onnx":
        from sixfold_convert.onnx_file import onnx_file

        return onnx_file(path, columns)
    if kind in ("pickle", "skops"):
        from sixfold_convert.pickled import pickled, skops_archive

        return (pickled if kind == "pickle" else skops_archive)(path, job)
    from sixfold_convert import trees

    return {"lightgbm": trees.lightgbm_file, "xgboost": trees.xgboost_file, "catboost": trees.catboost_file}[kind](path)


def answered(source, rows):
    """What the framework answers, without the rows to which it answers no number: NaN is recorded of nothing."""
    import numpy

    said = {name: numpy.asarray(values) for name, values in source.answer(rows).items()}
    for name, values in said.items():
        if len(values) != len(rows) or values.ndim > 2:
            raise Refused("SX_IMPORT_INVALID", f"Of {len(rows)} rows the model gives {name} of the shape {values.shape}: not one answer for each.")
    usable = numpy.ones(len(rows), dtype=bool)
    for values in said.values():
        if values.dtype.kind == "f":
            usable &= numpy.isfinite(values).reshape(len(rows), -1).all(axis=1)
    if not usable.any():
        raise Refused(
            "SX_IMPORT_INVALID",
            f"The model answers NaN or infinity to all of {len(rows)} rows.",
            "See what it was trained on; or give rows that it would see: --sample rows.parquet",
        )
    return rows[usable], {name: values[usable] for name, values in said.items()}, int((~usable).sum())


def widened(converted, said):
    """Some converters say of several numbers that they are one; and some make one of them."""
    numbers = said.get("numbers")
    if numbers is None or numbers.ndim == 1:
        return
    width = numbers.shape[1]
    makers = {name: node for node in converted.graph.node for name in node.output}
    for output in converted.graph.output:
        shape = output.type.tensor_type.shape.dim
        maker = makers.get(output.name)
        if len(shape) != 2 or maker is None or not maker.op_type.startswith("TreeEnsemble"):
            continue
        given = next((one.i for one in maker.attribute if one.name == "n_targets"), 1)
        if given != width:
            raise Refused(
                "SX_IMPORT_INVALID",
                f"The model answers {width} numbers to a row, of which the converter's file gives {given}.",
                "Save one model for each of the numbers.",
            )
        shape[1].dim_value = width


def main(job, stage):
    # First what costs little, where it cannot be.
    path, kind, framework = settle(job["model"], job["framework"], job["trust"])
    rows = None if job["sample"] is None else sample_of(job)
    source = load(path, kind, framework, job)
    import numpy

    if source.width is not None and source.width != len(job["columns"]):
        raise mismatch(source.width, len(job["columns"]))
    stage("Converting it")
    converted = source.convert()
    if all(one.domain not in ("", "ai.onnx") for one in converted.opset_import):
        # Some write only the set that they use; a file says which standard it is of.
        converted.opset_import.append(need("onnx").helper.make_opsetid("", OPSET))
    rows = drawn(job, converted) if rows is None else rows
    stage("Asking it")
    rows, said, unanswered = answered(source, rows)
    widened(converted, said)
    stage("Writing it")
    with open(job["out"], "wb") as file:
        file.write(converted.SerializeToString())
    return {
        "framework": source.framework,
        "packages": [*source.packages, version_of(need("onnx")), version_of(numpy)],
        "language": f"Python {platform.python_version()}",
        "opsets": {one.domain or "ai.onnx": one.version for one in converted.opset_import},
        "classes": None if source.classes is None else [plain(one) for one in source.classes],
        "rows": [[plain(value) for value in row] for row in rows],
        "answers": {name: [[plain(one) for one in row] if row.ndim else plain(row) for row in map(numpy.asarray, values)] for name, values in said.items()},
        "unanswered": unanswered,
    }


def plain(value):
    """As JSON has it; no number is none."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value


def reply():
    at = ["Loading it"]
    try:
        return main(json.load(sys.stdin), lambda name: at.__setitem__(0, name))
    except Refused as refused:
        return {"error": {"code": refused.code, "message": str(refused), "fix": refused.fix}}
    except BaseException as error:  # noqa: BLE001 - a model may also end the program
        traceback.print_exc()
        words = f"{at[0]} failed: {type(error).__name__}: {first_line(error)}"
        return {"error": {"code": "SX_IMPORT_INVALID", "message": words, "fix": None}}


if __name__ == "__main__":
    # What frameworks print, from whichever language, belongs to people; the last line is ours.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    text = json.dumps(reply(), allow_nan=False)
    out.write(f"\n{text}\n")
    out.close()
