"""What several projects leave open, or have wrong, in one wording."""

DRAW = "45,000 training and 5,000 validation images"
KEPT = "the best epoch of each phase and the better phase, by validation, are kept"
BETTER = "of both phases the better one is kept, by validation"
RELU = "ReLU in every hidden layer"
LOSS = "categorical cross-entropy"
OWN = 0.999
"""The share of its statistics that a batch norm of the projects' MobileNetV2, that of
keras.applications, keeps in each step."""

SCALED = "inputs scaled to [0, 1], which the weights were not trained with"

RESNET = (
    "weights: Keras' earlier set, where the project may have had the later one of "
    "keras.applications, with another epsilon (weights='keras')"
)


def checkpoint(size: int) -> str:
    """Return what differs in MobileNetV2's weights from a project at that size."""
    return (
        "weights: one checkpoint for all sizes, where the project had that of "
        f"keras.applications for {size} pixels, with another input range, padding and "
        "epsilon (weights='keras')"
    )
