"""The server that one writes first: FastAPI, one row or several a request, onnxruntime on the event loop's thread."""
import os

import numpy
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
app = FastAPI()


class Question(BaseModel):
    inputs: list[list[float]]


@app.post("/predict")
async def predict(question: Question):
    rows = numpy.asarray(question.inputs, numpy.float32)
    return {"outputs": session.run(["probabilities"], {name: rows})[0].tolist()}
