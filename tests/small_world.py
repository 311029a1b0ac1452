"""What the code blocks of the documentation find around them: all real, but small.

Data sets are made up, photographs are drawn, pretrained weights come from the store,
and whatever would run for minutes, or for ever, is given less to do.
"""

import dataclasses
import os
import shutil
from pathlib import Path

import keras
import mlflow as mlflow_
import numpy as np
import tensorflow
from PIL import Image

import cifarkit
from cifarkit import (
    Phase,
    TwoPhaseTrainer,
    backbones,
    datasets,
    evaluate,
    heads,
    recipes,
    serving,
    tracking,
)
from cifarkit.evaluation import probabilities

SIZE = 32
PROBED = ("mobilenetv2", "efficientnetlite0")
QUICK = Phase(epochs=1, learning_rate=1e-3)


def made():
    """Return a data set in place of CIFAR-10."""
    return datasets.synthetic(100, size=SIZE)


def learned():
    """Return a trainer and what it gave."""
    trainer = TwoPhaseTrainer(
        backbones.get("mobilenetv2"),
        heads.classifier(),
        phase_1=QUICK,
        phase_2=dataclasses.replace(QUICK, unfreeze="block_16"),
        verbose=0,
    )
    return trainer, trainer.fit(made())


def furnish(folder, result):
    """Put the files that pages name into a folder."""
    result.save(folder / "runs" / "mine")
    random = np.random.default_rng(0)
    for place in ("photos", "divided/train", "divided/test"):
        for name, level in (("circle", 60), ("star", 190)):
            (folder / place / name).mkdir(parents=True)
            for number in range(12):
                pixels = random.integers(level - 50, level + 50, (40, 48, 3), np.uint8)
                Image.fromarray(pixels).save(folder / place / name / f"{number:03}.png")
    files = sorted((folder / "photos").glob("*/*"))
    lines = [f"{path.parent.name}/{path.name},{path.parent.name}" for path in files]
    (folder / "labels.csv").write_text("\n".join(["file,label", *lines]))
    shutil.copy(folder / "photos" / "star" / "000.png", folder / "cat.png")
    shutil.copy(folder / "cat.png", folder / "dog.png")


def names(folder, trainer, result):
    """Return what pages use without making it themselves."""
    data, random = made(), np.random.default_rng(0)
    network = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(8, 3, strides=4)]
    )
    classifier = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 127.5, -1),
            network,
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    rows = probabilities(result.model, data.test.images)
    return {
        **{name: getattr(cifarkit, name) for name in cifarkit.__all__},
        "keras": keras,
        "tf": tensorflow,
        "data": data,
        "trainer": trainer,
        "result": result,
        "evaluation": evaluate(result.model, data.test),
        "backbone": backbones.get("mobilenetv2"),
        "head": heads.classifier(),
        "my_model": network,
        "model": classifier,
        "images": data.train.images,
        "labels": data.train.labels,
        "others": data.validation.images,
        "their_labels": data.validation.labels,
        "rows": rows,
        "other_rows": probabilities(result.model_after(1), data.test.images),
        "photo_bytes": (folder / "cat.png").read_bytes(),
        "pillow_image": Image.new("RGB", (40, 30), "red"),
        "array": random.integers(0, 256, (30, 40, 3), np.uint8),
    }


def shrink(patch, folder):
    """Let everything that takes long do less."""
    store = Path(os.environ.get("CIFARKIT_HOME", folder / "none")) / "arrays"
    (folder / "store").mkdir()
    if store.exists():  # weights that are there need not be fetched again
        (folder / "store" / "arrays").symlink_to(store.absolute())
    patch.setenv("CIFARKIT_HOME", str(folder / "store"))
    patch.chdir(folder)
    patch.setattr(datasets, "cifar10", lambda *_, **__: made())
    folder_of, probe = datasets.from_folder, cifarkit.probe
    patch.setattr(
        datasets,
        "from_folder",
        lambda path, **more: folder_of(path, **more | {"size": SIZE}),
    )
    patch.setattr(
        cifarkit,
        "probe",
        lambda data, **_: probe(data, backbones=PROBED, sizes=(SIZE,)),
    )
    take, get, run = datasets.Split.take, backbones.get, recipes.Recipe.run
    patch.setattr(
        datasets.Split, "take", lambda s, n, seed=0: take(s, min(n, len(s)), seed)
    )
    patch.setattr(backbones, "get", lambda name, **more: get(name, **here(more)))
    patch.setattr(
        recipes.Recipe,
        "run",
        lambda recipe, data=None: run(recipe.limited(epochs=1), data or made()),
    )
    patch.setattr(serving, "run", lambda app, **_: app)
    mlflow, address = tracking.mlflow, f"sqlite:///{folder}/runs.db"
    patch.setattr(
        tracking, "mlflow", lambda name, uri, **more: mlflow(name, uri=address, **more)
    )
    choose = mlflow_.set_tracking_uri
    patch.setattr(mlflow_, "set_tracking_uri", lambda _: choose(address))
    mobilenet = keras.applications.MobileNetV2
    patch.setattr(
        keras.applications,
        "MobileNetV2",
        lambda **more: mobilenet(**more | {"weights": None}),
    )
    fit = keras.Model.fit  # ours begins at an epoch; plain Keras gets one
    patch.setattr(
        keras.Model,
        "fit",
        lambda model, *given, **more: fit(
            model, *given, **more if "initial_epoch" in more else more | {"epochs": 1}
        ),
    )
    pair = (made().train.images, made().train.labels)
    patch.setattr(keras.datasets.cifar10, "load_data", lambda: (pair, pair))


def here(options):
    """Return options of `backbones.get`, no weights in place of those elsewhere."""
    elsewhere = options.get("weights", "imagenet") != "imagenet"
    return options | {"weights": None} if elsewhere else options
