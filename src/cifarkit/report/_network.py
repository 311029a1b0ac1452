"""Which network it is, and what happens to an image before it."""

from cifarkit.report._blocks import Block, Heading, Points, Table, Text
from cifarkit.training import TrainResult


def architecture(result: TrainResult) -> list[Block]:
    """Say which layers there are, and what an image goes through first."""
    made, model = result.provenance, result.model
    layers = [
        (layer.name, type(layer).__name__, f"{layer.count_params():,}")
        for layer in model.layers
    ]
    blocks: list[Block] = [
        Heading("Architecture"),
        Text(f"{model.count_params():,} parameters, of which:"),
        Table(("layer", "kind", "parameters"), tuple(layers)),
        Heading("Preprocessing"),
        Text(f"{_first(result)} Augmentation in training: {made['augmentation']}."),
    ]
    if backbone := made["backbone"]:
        words = [f"{key}: {value}" for key, value in backbone.items() if value]
        blocks.append(Points(tuple(words)))
    return blocks


def _first(result: TrainResult) -> str:
    """Say at which size the network works, and what brings an image to it."""
    size = result.provenance["size"]
    if result.provenance["head"] is None:
        _, height, width, _ = result.model.input_shape
        side = f"{width} x {height}" if height and width else f"{size} x {size}"
        return f"The network takes {side} pixels, RGB from 0 to 255; none is resized."
    return (
        f"The network sees {size} x {size} pixels; resizing and scaling are its first "
        "layers, so that raw images go in wherever it runs."
    )
