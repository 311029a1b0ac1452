"""On a GPU, Keras compiles with XLA by itself: here on a CPU, as if there were one."""

import keras
import numpy as np
import pytest
from keras.src.trainers.trainer import Trainer, model_supports_jit

from cifarkit import (
    Phase,
    TrainResult,
    TwoPhaseTrainer,
    augment,
    backbones,
    datasets,
    evaluate,
    heads,
    models,
)
from cifarkit.prediction import Predictor

QUICK = Phase(epochs=1, unfreeze=4, batch_size=32)


@pytest.fixture(autouse=True)
def xla(monkeypatch):
    """Let Keras decide as it does where TensorFlow sees a GPU."""
    for module in ("kernels", "folding"):
        for name in ("on_tensorflow_cpu", "on_one_tensorflow_cpu"):
            path = f"cifarkit.models.{module}.{name}"
            monkeypatch.setattr(path, lambda: False, raising=False)
    monkeypatch.setattr("cifarkit.models.on_tensorflow_cpu", lambda: False)
    monkeypatch.setattr(Trainer, "_resolve_auto_jit_compile", model_supports_jit)


@pytest.fixture
def backbone():
    """A small one that sees images at 16 pixels."""
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Conv2D(4, 3, strides=2, name="conv_1"),
        keras.layers.BatchNormalization(name="norm_1"),
        keras.layers.Conv2D(8, 3, name="conv_2"),
        keras.layers.BatchNormalization(name="norm_2"),
    ]
    return backbones.wrap(keras.Sequential(layers, name="tiny"), preprocess="unit")


@pytest.mark.parametrize("cache", ["auto", "never"])
def test_the_five_lines_run_where_xla_has_no_bicubic_resize(backbone, cache, tmp_path):
    """Both phases, the evaluation, and a saved model."""
    data = datasets.synthetic(96, size=8, classes=3)
    trainer = TwoPhaseTrainer(
        backbone, heads.classifier(), phase_1=QUICK, phase_2=QUICK, cache=cache
    )
    result = trainer.fit(data)
    assert 0 <= evaluate(result.model, data.test).accuracy <= 1
    images = data.test.images[:3]
    wanted = result.model.predict(images, verbose=0)
    result.save(tmp_path / "mine")
    again = TrainResult.load(tmp_path / "mine").model
    assert np.allclose(again.predict(images, verbose=0), wanted, atol=1e-5)
    assert np.allclose(Predictor(again).probabilities(images), wanted, atol=1e-5)


def test_what_xla_has_is_compiled_with_it(backbone):
    """Bilinear resizes, whole networks, and what learns behind a cut."""
    head = heads.linear().build((5, 5, 8), 3, seed=0)
    quick = models.assemble(backbone.build(16), head, interpolation="bilinear")
    assert quick.jit_compile
    assert models.cnn("s2-m1", classes=3, size=16).jit_compile


def test_a_network_of_ones_own_with_a_bicubic_resize_trains():
    """It is told of such layers wherever they come from, deep inside too."""
    entry = keras.Input((None, None, 3))
    inner = keras.Sequential([keras.layers.Resizing(8, 8, "bicubic")])
    pooled = keras.layers.GlobalAveragePooling2D()(inner(entry))
    own = keras.Model(entry, keras.layers.Dense(3, "softmax")(pooled))
    data = datasets.synthetic(96, size=12, classes=3)
    phase = Phase(epochs=1, batch_size=32)
    result = TwoPhaseTrainer(own, phase_1=phase, augment=(augment.crop(2),)).fit(data)
    assert len(result.history["loss"]) == 1
