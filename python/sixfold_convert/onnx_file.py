"""ONNX files themselves: those whose probabilities are a list of maps, which few runtimes can give."""

from .common import Refused, Source, need, version_of


def onnx_file(path, columns):
    onnx, runtime = need("onnx"), need("onnxruntime")
    model = onnx.load(path, load_external_data=False)
    if elsewhere(model, onnx.TensorProto):
        raise Refused(
            "SX_IMPORT_INVALID",
            f"'{path}' has its weights in other files, whose names may lead anywhere.",
            "Add it with `sixfold model add`, which keeps the files beside it.",
        )
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = session.get_inputs()
    if len(given) != 1:
        raise Refused("SX_IMPORT_INVALID", f"'{path}' has {len(given)} inputs.", "Add it with `sixfold model add`.")
    shape = given[0].shape
    width = shape[1] if len(shape) == 2 and isinstance(shape[1], int) else columns

    takes = {"tensor(double)": "float64", "tensor(int64)": "int64", "tensor(string)": object}.get(given[0].type, "float32")
    order = {one.output[0]: classes_of(one) for one in model.graph.node if one.op_type == "ZipMap"}

    def answer(x):
        import numpy

        found = {}
        for output, said in zip(session.get_outputs(), session.run(None, {given[0].name: x.astype(takes)})):
            if isinstance(said, list):
                found["probabilities"] = numpy.array([[row[key] for key in order[output.name]] for row in said])
            elif said.dtype.kind in "USO" or said.dtype.kind == "i":
                found["labels"] = said.ravel()
            elif said.ndim == 2 and said.shape[1] > 1:
                found["probabilities"] = said
            else:
                found["numbers"] = said.ravel()
        return found

    return Source("onnx", answer, lambda: without_zipmap(model), [version_of(onnx), version_of(runtime)], width)


def elsewhere(message, tensor):
    """Whether any tensor within, however deep, is read from another file."""
    if isinstance(message, tensor):
        return message.data_location == tensor.EXTERNAL
    parts = [value for field, value in message.ListFields() if field.message_type is not None]
    return any(elsewhere(one, tensor) for part in parts for one in ([part] if hasattr(part, "ListFields") else part))


def classes_of(zipmap):
    """The keys of its maps, in the order of the tensor that they are made of."""
    of = {one.name: one for one in zipmap.attribute}
    if "classlabels_strings" in of:
        return [name.decode() for name in of["classlabels_strings"].strings]
    return list(of["classlabels_int64s"].ints)


def without_zipmap(model):
    """The tensor of probabilities itself, where an exporter made a list of maps of it."""
    onnx = need("onnx")
    graph = model.graph
    for node in [one for one in graph.node if one.op_type == "ZipMap"]:
        (name,), tensor = node.output, node.input[0]
        kept = [one for one in graph.output if one.name != name]
        del graph.output[:]
        graph.output.extend([*kept, onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, [None, None])])
        graph.node.remove(node)
    return model
