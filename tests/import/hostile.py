"""Files that would run a command if a pickle in them were loaded, and their like: `python hostile.py FOLDER MARKER`."""
import bz2
import gzip
import lzma
import pickle
import sys
import zipfile
import zlib
from pathlib import Path

folder, marker = Path(sys.argv[1]), sys.argv[2]


class Payload:
    def __reduce__(self):
        import os

        return os.system, (f"touch '{marker}'",)


def archive(name, members):
    with zipfile.ZipFile(folder / name, "w") as file:
        for member, content in members.items():
            file.writestr(member, content)


binary, text = pickle.dumps(Payload(), protocol=4), pickle.dumps(Payload(), protocol=0)
for name in ("pickle.pkl", "pickle.joblib", "pickle.json", "pickle.txt", "pickle.onnx", "pickle.cbm", "pickle.pth", "pickle"):
    (folder / name).write_bytes(binary)
for name in ("text.pkl", "text.json", "text.txt", "text.onnx"):
    (folder / name).write_bytes(text)
for name, packed in (("gzip", gzip.compress), ("zlib", zlib.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
    (folder / f"{name}.txt").write_bytes(packed(binary))

archive("script.pt", {"m/data.pkl": binary, "m/constants.pkl": binary, "m/code/__torch__.py": "", "m/version": "3"})
archive("program.pt2", {"m/archive_format": "pt2", "m/models/model.json": "{}", "m/data/sample_inputs/model.pt": binary})
archive("module.pt", {"m/data.pkl": binary, "m/version": "3"})
archive("module.json", {"m/data.pkl": binary, "m/version": "3"})
archive("inside.txt", {"deep/er/model.pkl": binary})
archive("layers.keras", {"metadata.json": "{}", "config.json": "{}", "model.weights.h5": ""})
archive("layers.onnx", {"metadata.json": "{}", "config.json": "{}", "model.weights.h5": ""})
archive("model.skops", {"schema.json": "{}"})
archive("none.zip", {"readme": "nothing"})
(folder / "layers.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + binary)
(folder / "saved").mkdir()
(folder / "saved/saved_model.pb").write_bytes(b"\x08\x01")

# Data at its beginning only.
(folder / "tail.txt").write_bytes(b"tree\nversion=v4\n" + text)
(folder / "tail.onnx").write_bytes(b"\x08\x08" + binary)

# Weights that lie outside its folder.
import onnx
from onnx import TensorProto, helper

weights = TensorProto(name="w", data_type=1, dims=[3, 1], data_location=TensorProto.EXTERNAL)
weights.external_data.add(key="location", value="../../../../etc/hostname")
x, y = (helper.make_tensor_value_info(name, 1, [None, width]) for name, width in (("x", 3), ("y", 1)))
for name, graph in {
    "outside": helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weights]),
    "deeper": helper.make_graph(
        [helper.make_node("Constant", [], ["w"], value=weights), helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y]
    ),
}.items():
    (folder / f"{name}.onnx").write_bytes(helper.make_model(graph).SerializeToString())

for name, description in {
    "mlflow": "flavors: {sklearn: {pickled_model: model.pkl}}",
    "mlflow-yaml": f"flavors: !!python/object/apply:os.system [\"touch '{marker}'\"]",
    "mlflow-text": "flavors: {lightgbm: {data: model.lgb}}",
    "mlflow-out": "flavors: {lightgbm: {data: ../tail.txt}}",
    "mlflow-else": "flavors: {python_function: {loader_module: os}}",
}.items():
    (folder / name).mkdir()
    (folder / name / "MLmodel").write_text(description)
    (folder / name / "model.pkl").write_bytes(binary)
    (folder / name / "model.lgb").write_bytes(b"tree\nversion=v4\n" + text)
