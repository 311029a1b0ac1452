"""What several projects leave open, or have wrong, in one wording."""

DRAW = "45,000 training and 5,000 validation images"
SCALED = "inputs scaled to [0, 1], which the weights were not trained with"


def checkpoint(size: int) -> str:
    """Return what differs in MobileNetV2's weights from a project at that size."""
    return (
        "weights: one checkpoint for all sizes, where the project had that of "
        f"keras.applications for {size} pixels (weights='keras')"
    )
