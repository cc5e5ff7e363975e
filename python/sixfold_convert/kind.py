"""What a file is, by what is in it and not by its name, and whether loading it can run code.

Four formats are data, since what reads them does nothing but read: the parsers of LightGBM, XGBoost and CatBoost, and ONNX. All others
are programs, or hold some, and are loaded only where the user trusts who made them. Nothing here loads anything: it looks at bytes, at names
within archives, and at the operations of a pickle without doing them."""

import os
import pickletools
import zipfile

from .common import Refused, first_line, need

CALLS = "to load a pickle is to call whatever functions it names"
TRUST = (
    "Where you know who made it, add --trust. Else have it exported to ONNX where it was made, or, of LightGBM, XGBoost and CatBoost, "
    "import the file that these save themselves."
)

# Of each: what it is in words, the frameworks that can have written it, and why loading it may run code.
KINDS = {
    "lightgbm": ("a text of LightGBM", ("lightgbm",), None),
    "xgboost": ("JSON, as XGBoost writes it", ("xgboost",), None),
    "catboost": ("a file of CatBoost", ("catboost",), None),
    "onnx": ("ONNX", ("onnx",), None),
    "pickle": ("a pickle", ("sklearn", "lightgbm", "xgboost", "catboost", "torch"), CALLS),
    "skops": ("an archive of skops", ("sklearn", "lightgbm", "xgboost"), "it names the functions that are called to build it"),
    "torch-pickle": ("an archive with a pickle in it", ("torch",), CALLS),
    "torchscript": ("a program of TorchScript", ("torch",), "it is code, and its operations can write files"),
    "torch-export": ("an archive of torch.export", ("torch",), f"it may hold pickles, and {CALLS}"),
    "keras": ("an archive of Keras", ("tensorflow",), "its layers may be Python code, and the safe mode of Keras was got round in several of its versions"),
    "hdf5": ("a file of HDF5, as Keras writes it", ("tensorflow",), "its layers may be Python code, and many versions of Keras run that unasked"),
    "savedmodel": ("a SavedModel", ("tensorflow",), "it is a program, whose operations can read and write files"),
}  # fmt: skip
FRAMEWORKS = ("sklearn", "lightgbm", "xgboost", "catboost", "torch", "tensorflow", "onnx")

# How compressors begin: joblib packs pickles in them.
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x5d\x00\x00", b"\x04\x22\x4d\x18", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
MOST_OPERATIONS = 100_000


def settle(path, framework, trusted):
    """The path of the model itself, what it is, and the framework that is to load it. Refuses what may run code and is not trusted."""
    if framework is not None and framework not in FRAMEWORKS:
        raise Refused("SX_IMPORT_INVALID", f"There is no framework '{framework}' here.", f"Use one of: {', '.join(FRAMEWORKS)}.")
    try:
        if os.path.isfile(os.path.join(path, "MLmodel")):
            path = within_mlflow(path)
        kind = kind_of(path, framework)
    except OSError as error:
        raise Refused("SX_IMPORT_INVALID", f"'{path}' cannot be read: {error.strerror or error}.", "See whose it is, and where it lies.") from error
    words, frameworks, runs = KINDS[kind]
    if framework is not None and framework not in frameworks:
        raise Refused("SX_IMPORT_INVALID", f"'{path}' is {words}, which {framework} does not load.", "Leave out --framework: it is told by the file.")
    if runs is not None and not trusted:
        raise Refused("SX_IMPORT_UNTRUSTED", f"'{path}' is {words}: {runs}.", TRUST)
    # Pickles of all frameworks look alike; those of PyTorch need what reads its tensors.
    torch = kind == "pickle" and framework is None and ending(path) in (".pt", ".pth")
    return path, kind, "torch" if torch else framework or frameworks[0]


def kind_of(path, framework):
    if os.path.isdir(path):
        if os.path.exists(os.path.join(path, "saved_model.pb")):
            return "savedmodel"
        raise Refused("SX_IMPORT_INVALID", f"'{path}' is a folder, and neither a SavedModel nor a model of MLflow.", "Name the file of the model.")
    with open(path, "rb") as file:
        head = file.read(4096)
    if head == b"":
        raise Refused("SX_IMPORT_INVALID", f"'{path}' is empty.", "Save the model again.")
    if head.startswith(b"PK\x03\x04"):
        return kind_of_archive(path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if head[0] == 0x80 and len(head) > 1 and 2 <= head[1] <= 5 or head.startswith(PACKED):
        return "pickle"
    if head.startswith(b"CBM1"):
        return "catboost"
    if head.split(b"\n", 1)[0].strip() == b"tree":
        return "lightgbm"
    if head.lstrip()[:1] == b"{":
        return "xgboost"
    # Neither these pickles nor ONNX have a mark at their beginning.
    if textual_pickle(path):
        return "pickle"
    if framework == "onnx" or framework is None and ending(path) == ".onnx":
        return "onnx"
    raise Refused(
        "SX_IMPORT_INVALID",
        f"'{path}' is no file of a model that is known by what is in it. It begins with {head[:16]!r}.",
        "Name the file that the framework itself saved. A file of ONNX ends in .onnx, or is told by --framework onnx.",
    )


def kind_of_archive(path):
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Refused("SX_IMPORT_INVALID", f"'{path}' begins as an archive, and is none: {first_line(error)}.", "Save or copy it again.") from error
    inner = {name.split("/", 1)[-1] for name in names}
    if "archive_format" in inner:
        return "torch-export"
    if "constants.pkl" in inner:
        return "torchscript"
    if {"config.json", "metadata.json"} <= set(names):
        return "keras"
    if "schema.json" in names:
        return "skops"
    if any(name.endswith((".pkl", ".pickle", ".joblib")) for name in names):
        return "torch-pickle"
    raise Refused(
        "SX_IMPORT_INVALID",
        f"'{path}' is an archive that no framework here writes; it holds {', '.join(repr(name) for name in names[:3]) or 'nothing'}.",
        "Name the file that the framework itself saved.",
    )


def textual_pickle(path):
    """Whether its operations can be read to an end. A guess about a name and no safeguard: what is none is given to no reader of pickles."""
    try:
        with open(path, "rb") as file:
            return any(operation.name == "STOP" or i >= MOST_OPERATIONS for i, (operation, _, _) in enumerate(pickletools.genops(file)))
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - the reader fails in many ways at what is no pickle
        return False


# Where the description of a model of MLflow names its file, and what that is called where it names a folder.
FLAVORS = {
    "lightgbm": ("data", ()),
    "xgboost": ("data", ()),
    "catboost": ("data", ()),
    "onnx": ("data", ("model.onnx",)),
    "sklearn": ("pickled_model", ()),
    "pytorch": ("model_data", ("model.pt2", "model.pth")),
    "tensorflow": ("data", ("model.keras", "model.h5", "model")),
    "keras": ("data", ("model.keras", "model.h5")),
}


def within_mlflow(folder):
    """The file itself, which is then held to what it is: MLflow would load it by code that the description names."""
    yaml = need("yaml", "pyyaml")
    try:
        with open(os.path.join(folder, "MLmodel"), encoding="utf-8") as file:
            flavors = dict(yaml.safe_load(file)["flavors"])
        named = next((str(dict(flavors[name])[key]), inner) for name, (key, inner) in FLAVORS.items() if name in flavors)
    except (yaml.YAMLError, UnicodeError, TypeError, ValueError, KeyError, RecursionError, StopIteration) as error:
        raise Refused(
            "SX_IMPORT_INVALID", f"'{folder}' is a model of MLflow with no file that is known here.", f"It must be of one of: {', '.join(FLAVORS)}."
        ) from error
    path = os.path.join(folder, named[0])
    inner = [one for one in (os.path.join(path, name) for name in named[1]) if os.path.exists(one)]
    path = inner[0] if inner else path
    if os.path.commonpath([os.path.realpath(folder), os.path.realpath(path)]) != os.path.realpath(folder):
        raise Refused("SX_IMPORT_INVALID", f"'{folder}' names '{named[0]}', which does not lie in it.", "Name the file itself.")
    return path


def ending(path):
    return os.path.splitext(path)[1].lower()
