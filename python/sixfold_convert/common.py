"""What all loaders share: how they refuse, how they find a package, and what a loaded model is."""

import importlib
import sys

# Written for runtimes of some years, so that a file is served wherever Sixfold runs.
OPSET = 15
ML_OPSET = 3


class Refused(Exception):
    def __init__(self, code, message, fix=None):
        super().__init__(message)
        self.code, self.fix = code, fix


def need(module, package=None):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Refused(
            "SX_IMPORT_PYTHON",
            f"This Python has no {module}: {error}.",
            f"Install it there: {sys.executable} -m pip install {package or module}",
        ) from error


def version_of(module):
    return f"{module.__name__}=={getattr(module, '__version__', '?')}"


def first_line(error):
    """Without the boxes that some converters draw about their words."""
    lines = [line.strip() for line in str(error).splitlines() if any(letter.isalnum() for letter in line)]
    return lines[0][:500] if lines else type(error).__name__


class Source:
    """A model that is loaded: `answer` gives what it says of rows, `convert` an ONNX model, `packages` who did both.

    `width` is how many numbers it takes, where it says so; `classes` what its labels are, where it knows."""

    def __init__(self, framework, answer, convert, packages, width=None, classes=None):
        self.framework, self.answer, self.convert, self.packages = framework, answer, convert, packages
        self.width, self.classes = width, classes


def mismatch(width, columns):
    return Refused(
        "SX_SIGNATURE_MISMATCH",
        f"The model takes {width} columns, and the vector of the definition has {columns} entries.",
        "Train on what `sixfold training-set` writes, or correct the definition.",
    )
