"""One model that gives one answer, in the formats that other programs read.

Resize, preprocessing and temperature are inside: every file takes raw RGB, uint8, and
gives probabilities. ONNX and LiteRT need `pip install 'cifarkit[export]'`, OpenVINO
`'cifarkit[openvino]'`.

Example:
    >>> from cifarkit.exporting import export
    >>> export(result, "exported", ["onnx", "litert"])           # doctest: +SKIP
    >>> Predictor("exported/model.onnx")("cat.jpg").name         # doctest: +SKIP
    'cat'
"""

from cifarkit.exporting._export import Export, export
from cifarkit.exporting._formats import FORMATS

__all__ = ["FORMATS", "Export", "export"]
