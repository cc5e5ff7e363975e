"""PyTorch and TensorFlow: networks that take a row of numbers and answer one tensor."""

import contextlib
import os
import tempfile

from .common import OPSET, Refused, Source, first_line, mismatch, need, version_of

# The oldest set of operators that PyTorch's exporter of programs writes.
PROGRAM_OPSET = 18


def one_tensor(said, framework):
    """Its numbers: of one for each row a list, of several rows of them."""
    if isinstance(said, dict):
        said = list(said.values())
    if isinstance(said, (list, tuple)):
        if len(said) != 1:
            raise Refused("SX_IMPORT_INVALID", f"The model answers {len(said)} tensors.", "Save one that answers a single tensor.")
        said = said[0]
    array = framework(said)
    if array.ndim not in (1, 2):
        raise Refused("SX_IMPORT_INVALID", f"The model answers a tensor of {array.ndim} dimensions.", "Save one that answers a number or a row of them.")
    return {"numbers": array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array}


def takes_rows(shape, columns, what):
    """How wide its rows are, by the shape that it says it takes; None where it says nothing."""
    if len(shape) != 2:
        raise Refused("SX_SIGNATURE_MISMATCH", f"{what} takes {len(shape)} dimensions, and a vector is a row of {columns} numbers.", "Save one that takes rows.")
    if isinstance(shape[0], int):
        raise Refused(
            "SX_IMPORT_INVALID",
            f"{what} takes exactly {shape[0]} {'row' if shape[0] == 1 else 'rows'} at a time, as the example that it was saved with.",
            "Save it for any number: torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim('rows')},)) with an example of two rows.",
        )
    return shape[1] if isinstance(shape[1], int) else None


def torch_file(path, kind, columns):
    torch = need("torch")
    if kind == "torch-export":
        return torch_program(torch, torch.export.load(path), columns)
    if kind == "torchscript":
        return torch_script(torch, torch.jit.load(path, map_location="cpu").eval(), columns)
    module = torch.load(path, map_location="cpu", weights_only=False)
    if not isinstance(module, torch.nn.Module):
        raise Refused(
            "SX_IMPORT_INVALID",
            f"'{path}' holds a {type(module).__qualname__} and no module: weights alone say nothing of what is computed.",
            "Save it with torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2').",
        )
    example = torch.zeros(2, columns)
    with wrong_width(example):
        program = torch.export.export(module.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("rows")},))
    return torch_program(torch, program, columns)


def torch_program(torch, program, columns):
    onnxscript = need("onnxscript")
    need("onnx")
    named = set(program.graph_signature.user_inputs)
    inputs = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in named]
    if len(inputs) != 1:
        raise Refused("SX_IMPORT_INVALID", f"The program takes {len(inputs)} tensors.", "Save one that takes a single one, of rows.")
    width, module, dtype = takes_rows(inputs[0].shape, columns, "The program"), program.module(), inputs[0].dtype

    def answer(x):
        with torch.no_grad():
            return one_tensor(module(torch.from_numpy(x).to(dtype)), lambda said: said.detach().numpy())

    def convert():
        made = torch.onnx.export(program, (), input_names=["x"], output_names=["y"], opset_version=PROGRAM_OPSET, dynamo=True, verbose=False)
        return made.model_proto

    return Source("torch", answer, convert, [version_of(torch), version_of(onnxscript)], width)


def torch_script(torch, module, columns):
    onnx = need("onnx")
    example = torch.zeros(2, columns)
    with wrong_width(example), torch.no_grad():
        module(example)

    def answer(x):
        with torch.no_grad():
            return one_tensor(module(torch.from_numpy(x)), lambda said: said.detach().numpy())

    def convert():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            rows = {"x": {0: "rows"}, "y": {0: "rows"}}
            torch.onnx.export(
                module, (example,), path, input_names=["x"], output_names=["y"], dynamic_axes=rows, opset_version=OPSET, dynamo=False
            )  # fmt: skip
            return onnx.load(path)

    return Source("torch", answer, convert, [version_of(torch)])


@contextlib.contextmanager
def wrong_width(example):
    """A model that does not say how wide its rows are says it by what it cannot do."""
    try:
        yield
    except RuntimeError as error:
        raise Refused(
            "SX_SIGNATURE_MISMATCH",
            f"The model cannot take rows of {example.shape[1]} numbers, which the vector of the definition has: {first_line(error)}",
            "Train on what `sixfold training-set` writes, or correct the definition.",
        ) from error


def tensorflow_file(path, kind, columns):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    tensorflow, tf2onnx = need("tensorflow"), need("tf2onnx")
    call, shape, dtype = saved_model(tensorflow, path) if kind == "savedmodel" else keras_model(tensorflow, path, kind)
    width = takes_rows(shape, columns, "The model")
    if width not in (None, columns):
        raise mismatch(width, columns)

    def answer(x):
        return one_tensor(call(tensorflow.constant(x, dtype=dtype)), lambda said: said.numpy())

    def convert():
        spec = (tensorflow.TensorSpec((None, columns), dtype, name="x"),)
        made, _ = tf2onnx.convert.from_function(tensorflow.function(call), input_signature=spec, opset=OPSET)
        return made

    return Source("tensorflow", answer, convert, [version_of(tensorflow), version_of(tf2onnx)], width)


def keras_model(tensorflow, path, kind):
    with tempfile.TemporaryDirectory() as folder:
        # Keras goes by the name, and we by what the file is.
        link = os.path.join(folder, "model.h5" if kind == "hdf5" else "model.keras")
        os.symlink(os.path.abspath(path), link)
        model = tensorflow.keras.models.load_model(link, compile=False, safe_mode=False)
    if len(model.inputs) != 1:
        raise Refused("SX_IMPORT_INVALID", f"The model takes {len(model.inputs)} tensors.", "Save one that takes a single one, of rows.")
    (given,) = model.inputs
    return lambda x: model(x, training=False), tuple(given.shape), given.dtype


def saved_model(tensorflow, path):
    loaded = tensorflow.saved_model.load(path)
    if "serving_default" not in loaded.signatures:
        raise Refused("SX_IMPORT_INVALID", f"'{path}' has no signature 'serving_default'.", "Save it with signatures={'serving_default': …}.")
    call = loaded.signatures["serving_default"]
    inputs = call.structured_input_signature[1]
    if len(inputs) != 1:
        raise Refused("SX_IMPORT_INVALID", f"The model takes {len(inputs)} tensors.", "Save one that takes a single one, of rows.")
    ((name, spec),) = inputs.items()

    def say(x):
        # Held here, since its variables live as long as what was loaded.
        return next(iter(loaded.signatures["serving_default"](**{name: x}).values()))

    if len(call.structured_outputs) != 1:
        raise Refused("SX_IMPORT_INVALID", f"The model answers {len(call.structured_outputs)} tensors.", "Save one that answers a single tensor.")
    return say, tuple(spec.shape), spec.dtype
