"""How the model of a report is used."""

from cifarkit.datasets import Splits
from cifarkit.report._blocks import Block, Code, Heading, Text

_KERAS = """
import keras

model = keras.models.load_model("model.keras")
probabilities = model.predict(images)  # RGB, (N, {height}, {width}, 3), in [0, 255]
"""
_ELSEWHERE = """
from cifarkit.exporting import export
from cifarkit.serving import fastapi_app, run

export("FOLDER", "exported", ["onnx", "litert"])
run(fastapi_app("exported/model.onnx"))
"""


def deployment(data: Splits) -> list[Block]:
    """Say how the model is used."""
    height, width = data.train.images.shape[1:3]
    return [
        Heading("Deployment"),
        Text(
            "result.save(FOLDER) writes model.keras; Keras alone is needed to use it:"
        ),
        Code(_KERAS.format(height=height, width=width)),
        Text(
            "As a file for other runtimes, with the same answers, and as a service "
            "over HTTP (cifarkit export and cifarkit serve do the same; "
            "examples/deploy has a Dockerfile):"
        ),
        Code(_ELSEWHERE),
    ]
