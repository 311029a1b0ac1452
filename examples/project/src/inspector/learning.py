"""From a folder of photographs to a model."""

import shutil
from pathlib import Path

from cifarkit import (
    Phase,
    TwoPhaseTrainer,
    augment,
    backbones,
    datasets,
    evaluate,
    heads,
)
from inspector.speckles import Speckles


def learn(folder, out, *, backbone="mobilenetv2", size=128, epochs=6):
    """Learn from a folder with one sub-folder per class, and save what was learned.

    Args:
        folder: the photographs.
        out: the folder for the model; `Sorter` reads it.
        backbone: a name, or a backbone that was made by `cifarkit.backbones`.
        size: side in pixels at which the network sees a photograph.
        epochs: of each of the two phases.

    Returns:
        The evaluation of photographs that were held back.
    """
    data = datasets.from_folder(folder, size=size, validation=0.2, test=0.2)
    if isinstance(backbone, str):
        backbone = backbones.get(backbone)
    trainer = TwoPhaseTrainer(
        backbone,
        heads.classifier(hidden=(64,)),
        phase_1=Phase(epochs=epochs, learning_rate=2e-3, class_weight="balanced"),
        phase_2=Phase(
            epochs=epochs, learning_rate=3e-4, unfreeze=0.3, class_weight="balanced"
        ),
        augment=[augment.flip(), augment.brightness(0.2), Speckles(0.01)],
    )
    out = Path(out)
    run_dir = out.with_name(f"{out.name}.run")  # a learning that is stopped goes on
    result = trainer.fit(data, run_dir=run_dir)
    result.save(out)
    shutil.rmtree(run_dir)  # the next one may have other photographs
    return evaluate(result.model, data.test)
