"""The command line: one line for success, one clear line for failure."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from cifarkit import __version__, activations, backbones, cli, models
from cifarkit.cli import _commands as commands


def test_an_unknown_name_fails_with_one_line(capsys):
    """A typo is named with what was meant, and nothing is fetched."""
    assert cli.main(["fetch", "cifar10", "mobilnetv2"]) == 1
    shown = capsys.readouterr()
    assert "Did you mean 'mobilenetv2'?" in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_the_help_lists_what_can_be_fetched():
    """The names written out are the data sets and all backbones."""
    assert ("cifar10", "cifar100", *backbones.names()) == commands.NAMES


def test_no_network_and_no_store_is_one_clear_error(tmp_path, monkeypatch, capsys):
    """Every source that was tried is listed, and nothing half-written stays."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("CIFARKIT_OFFLINE", "1")
    assert cli.main(["fetch", "cifar10"]) == 1
    text = capsys.readouterr().err
    assert text.count("CIFARKIT_OFFLINE=1 forbids downloads") == 2
    assert "Keras cache" in text
    assert "python -m cifarkit fetch cifar10" in text
    whole = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path.suffix for path in whole] in ([], [".lock"])


def test_kept_activations_are_listed_and_deleted(tmp_path, monkeypatch, capsys):
    """A person sees what takes the disk, and can say how much of it may stay."""
    monkeypatch.setenv("CIFARKIT_HOME", str(tmp_path))
    image = keras.Input((4, 4, 3))
    prefix = keras.Model(image, keras.layers.GlobalMaxPooling2D()(image))
    activations.extract(prefix, np.zeros((5, 4, 4, 3), np.uint8))
    (entry,) = activations.kept()
    assert cli.main(["cache"]) == 0
    listed = capsys.readouterr().out
    assert entry.path.name[:12] in listed
    assert "float16, Flips(mirrored=False)" in listed
    assert cli.main(["cache", "--keep", "1"]) == 0
    assert activations.kept()
    assert cli.main(["cache", "--keep", "-1"]) == 1
    assert "0 GiB or more" in capsys.readouterr().err
    assert cli.main(["cache", "--keep", "0"]) == 0
    assert f"deleted {entry.path.name[:12]}" in capsys.readouterr().out
    assert not activations.kept()


@pytest.mark.parametrize("command", [["--version"], ["--help"]])
def test_version_and_help_load_nothing_heavy(command):
    """`python -m cifarkit` answers without loading TensorFlow."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['cifarkit', *{command!r}]\n"
        "try:\n    runpy.run_module('cifarkit', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert __version__ in done.stdout or "fetch" in done.stdout


@pytest.mark.real
def test_fetching_says_where_it_came_from(capsys):
    """Data and weights end up in the store, and the source is printed."""
    assert cli.main(["fetch", "cifar10", "mobilenetv2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["cifar10", "mobilenetv2"]


def test_predict_names_what_it_sees(tmp_path, capsys):
    """A line for each image; broken ones are said, and the exit status is 1."""
    model = models.cnn("s2-m1", classes=3, size=16)
    model.save(tmp_path / "model.keras")
    (tmp_path / "classes.json").write_text('["cat", "dog", "frog"]')
    image, broken = tmp_path / "a.png", tmp_path / "b.png"
    Image.new("RGB", (20, 30), "teal").save(image)
    broken.write_bytes(b"no image")
    line = ["predict", str(tmp_path / "model.keras"), str(broken), str(image)]
    assert cli.main([*line, "--top", "2"]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith(f"{image}: ")
    assert shown.out.count("%") == 2
    assert "b.png" in shown.err
    assert cli.main(["predict", line[1], str(image), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer["probabilities"]) == {"cat", "dog", "frog"}
    assert answer["path"] == str(image)


@pytest.mark.skipif(sys.platform != "linux", reason="names are any bytes there")
def test_predict_names_files_of_any_bytes(tmp_path, capsysbinary):
    """One file that was named in another encoding stops nothing."""
    models.cnn("s2-m1", classes=3, size=16).save(tmp_path / "model.keras")
    image = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    Image.new("RGB", (20, 30), "teal").save(image)
    assert cli.main(["predict", str(tmp_path / "model.keras"), image]) == 0
    assert "caf\ufffd.png: ".encode() in capsysbinary.readouterr().out


def test_recipe_lists_and_prints(capsys):
    """All names; one of them; an unknown one."""
    assert cli.main(["recipe"]) == 0
    assert "s4-resnet50-head" in capsys.readouterr().out
    assert cli.main(["recipe", "s3-baseline", "--variant", "as_published"]) == 0
    assert "claimed: 78.66%" in capsys.readouterr().out
    assert cli.main(["recipe", "s3-baselin"]) == 1
    assert "Did you mean 's3-baseline'" in capsys.readouterr().err
    assert cli.main(["recipe", "--variant", "fixed"]) == 1
    assert "Expected NAME before --variant" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ending", "told"), [("onnx", "nothing is there"), ("h5", "Expected a .keras file")]
)
def test_a_name_that_no_file_may_have_is_one_line(ending, told, capsys):
    """The system refuses to look it up."""
    assert cli.main(["predict", f"{'a' * 300}.{ending}", "b.png"]) == 1
    assert told in capsys.readouterr().err


def test_export_writes_what_predict_reads(tmp_path, capsys):
    """A saved network in another format; the distance is printed."""
    image = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(flat))
    model.save(tmp_path / "model.keras")
    out, picture = tmp_path / "out", tmp_path / "picture.png"
    Image.fromarray(np.full((8, 8, 3), 9, np.uint8)).save(picture)
    line = ["export", str(tmp_path / "model.keras"), "--to", "onnx", "--out", str(out)]
    assert cli.main(line) == 0
    assert "model.onnx: probabilities differ by" in capsys.readouterr().out
    answers = []
    for each in (tmp_path / "model.keras", out / "model.onnx"):
        assert cli.main(["predict", str(each), str(picture), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["probabilities"]
        answers.append(list(found.values()))
    np.testing.assert_allclose(*answers, atol=1e-5)
    assert cli.main(["export", str(picture), "--to", "tiff"]) == 1
    assert "Expected formats of keras" in capsys.readouterr().err
