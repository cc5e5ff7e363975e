"""Saves an ONNX file as MLflow's onnx flavour has it: python save_mlflow.py MODEL FOLDER"""
import sys

import mlflow.onnx
import numpy
import onnx
from mlflow.models import infer_signature

model = onnx.load(sys.argv[1])
width = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
mlflow.onnx.save_model(model, sys.argv[2], signature=infer_signature(numpy.zeros((2, width), numpy.float32)))
