"""Read files that were made to harm: each in a process that is watched.

python scripts/chaos/hostile_files.py --json docs/results/hostile_files.json

Pickles that would run code, `.keras` files with layers of code or of foreign files,
HDF5 links and bombs, zip, `.npz`, gzip and tar bombs, archives that reach outside,
wrong sizes and labels, a folder of checkpoints, an export, kept arrays. Each must be
refused by an error of cifarkit within 2 s and 200 MiB; an audit hook sees every file
that Python opens (not what HDF5 opens by itself: there the refusal is what counts) and
every program and connection that is begun.
"""

import gzip
import io
import json
import os
import pickle
import signal
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from telling import options, peak_rss, tell

SECONDS, GROWTH = 2.0, 200 * 2**20
MARK = "canary"
"""A file of this name in the watched folder is a proof that code ran."""


def main():
    """Make every artefact, read each in a process of its own, and look."""
    given = options(__doc__)
    import h5py  # noqa: F401 - loaded once, before processes part
    import keras  # noqa: F401
    import tensorflow as tf  # noqa: F401

    from cifarkit import backbones, datasets, exporting, training  # noqa: F401

    found = {}
    with tempfile.TemporaryDirectory() as work:
        os.environ["CIFARKIT_HOME"] = f"{work}/store"
        for number, (name, make, read) in enumerate(artefacts()):
            folder = Path(work) / f"{number:03}"
            folder.mkdir()
            found[name] = watched(folder, make(folder), read)
            print(f"{name}: {found[name]['outcome']}", file=sys.stderr)
    bad = {name: each for name, each in found.items() if not is_harmless(each)}
    figures = {
        "artefacts": len(found),
        "refused": sum(each["outcome"] == "refused" for each in found.values()),
        "ran_code": sum(each["ran"] for each in found.values()),
        "opened_outside": sum(bool(each["outside"]) for each in found.values()),
        "slowest_s": max(each["seconds"] for each in found.values()),
        "most_memory_bytes": max(each["grown"] for each in found.values()),
        "bad": bad,
        "names": sorted(found),
    }
    tell(figures, given.json)
    assert len(found) >= 60, len(found)
    assert not bad, bad


def is_harmless(each):
    """Whether a file was refused, in time, in bounds, and touched nothing."""
    within = each["seconds"] <= SECONDS and each["grown"] <= GROWTH
    touched = each["ran"] or each["outside"]
    return each["outcome"] == "refused" and within and not touched


def watched(folder, path, read):
    """Read a file in a forked process; return what it did."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(10)  # one that does not end is killed
        os.close(reading)
        with os.fdopen(writing, "w") as telling:
            json.dump(tried(folder, path, read), telling)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as telling:
        text = telling.read()
    _, status = os.waitpid(child, 0)
    if not text:
        text = json.dumps(
            {"outcome": f"died with {status}", "seconds": 0, "grown": 0, "outside": []}
        )
    ran = (folder / MARK).exists() or (Path(tempfile.gettempdir()) / MARK).exists()
    return {**json.loads(text), "ran": ran}


def tried(folder, path, read):
    """Read a file, and say how that ended and what was touched meanwhile."""
    import warnings

    from cifarkit._errors import CifarkitError

    warnings.simplefilter("ignore")
    sys.stderr = io.StringIO()
    os.chdir(folder)
    seen, watching = [], [True]
    allowed = tuple(map(str, (folder.parent, sys.prefix, sys.base_prefix)))
    allowed += ("/proc/", "/dev/null", "/sys/", str(Path(__file__).parents[2]))

    def hook(event, arguments):
        if not watching[0]:
            return
        if event in ("os.system", "subprocess.Popen", "os.exec", "socket.connect"):
            seen.append([event, str(arguments)[:200]])
        if event == "open" and isinstance(arguments[0], str | bytes):
            name = os.path.realpath(os.fsdecode(arguments[0]))
            if not name.startswith(allowed):
                seen.append([event, name])

    sys.addaudithook(hook)
    before, began = peak_rss(), time.perf_counter()
    try:
        read(path)
        outcome = "accepted"
    except CifarkitError:
        outcome = "refused"
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error!s:.200}"
    seconds, watching[0] = time.perf_counter() - began, False
    grown = max(0, peak_rss() - before)
    return {"outcome": outcome, "seconds": seconds, "grown": grown, "outside": seen}


def artefacts():
    """Yield a name, what makes the file in a folder, and what reads it."""
    for name, gadget in gadgets():
        yield f"CIFAR pickle: {name}", batch(gadget), read_cifar
        yield f"PyTorch weights: {name}", pth(gadget), read_weights
    for name, config in configs():
        yield f".keras: {name}", keras_file(config), read_keras
    for name, make in hdf5s():
        yield f".keras with HDF5: {name}", inside_keras(make), read_keras
    for kind, made, read in (
        ("weights in HDF5", hdf5s, read_weights),
        (".keras zip", zips, read_keras),
        (".npz weights", npzs, read_weights),
        (".npz data", npzs, read_cifar),
        ("archive", tars, read_cifar),
        ("CIFAR binary", records, read_cifar),
        ("saved result", folders, read_result),
        ("export", exports, read_export),
        ("run folder", runs, read_run),
    ):
        for name, make in made():
            yield f"{kind}: {name}", make, read


# --- what reads them


def read_cifar(path):
    """Read a data set."""
    from cifarkit import datasets

    datasets.cifar10(size=32, data_dir=path)


def read_weights(path):
    """Build a backbone with weights of a file."""
    from cifarkit import backbones

    backbones.get("mobilenetv2", weights=path, size=32).build(32)


def read_keras(path):
    """Load a model to predict with."""
    from cifarkit.prediction import Predictor

    Predictor(path)


def read_result(path):
    """Load a saved training."""
    from cifarkit import TrainResult

    TrainResult.load(path)


def read_export(path):
    """Load an exported file."""
    from cifarkit.prediction import Predictor

    Predictor(path / "model.onnx")


def read_run(path):
    """Go on with a training; damage is passed over, so nothing may be left of it."""
    from cifarkit._checkpoints import Checkpoints
    from cifarkit._errors import CorruptFile

    if Checkpoints(path).newest() is None:
        raise CorruptFile("no whole checkpoint")


# --- what is in them


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        """Return the call."""
        return self.call


def gadgets():
    """Yield pickled calls that leave a mark, and ways to hide them."""
    touch = f"open({MARK!r}, 'w').close()"
    plain = {
        "os.system": Calls(os.system, f"touch {MARK}"),
        "eval": Calls(eval, touch),
        "exec": Calls(exec, touch),
        "subprocess": Calls(__import__("subprocess").getoutput, f"touch {MARK}"),
        "open": Calls(open, MARK, "w"),
        "np.load": Calls(np.load, "/etc/hostname"),
        "bytearray bomb": Calls(bytearray, 2**33),
    }
    for name, value in plain.items():
        yield name, pickle.dumps(value, protocol=2)
    yield "nested dots", b"\x80\x04\x8c\x02os\x8c\x06system\x93."
    yield "memo bomb", b"\x80\x02Nr\xff\xff\xff\x7f."


def batch(content):
    """Return what makes a CIFAR archive whose batches are this pickle."""
    names = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
    return lambda folder: tar(folder, [(name, content) for name in names])


def pth(content):
    """Return what makes a PyTorch file whose index is this pickle."""

    def make(folder):
        path = folder / "weights.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content)
        return path

    return make


def configs():
    """Yield descriptions of models that name what they may not."""

    def layer(name, module="keras.layers", registered=None, **config):
        return {
            "module": module,
            "class_name": name,
            "config": {"name": "odd", **config},
            "registered_name": registered,
        }

    code = {"class_name": "__lambda__", "config": {"value": "4wAAAAA="}}
    yield "Lambda", layer("Lambda", function=code)
    yield "TFSMLayer", layer("TFSMLayer", filepath="/etc")
    yield "TorchModuleWrapper", layer("TorchModuleWrapper", module="x")
    yield "JaxLayer", layer("JaxLayer", call_fn=code)
    yield "StringLookup", layer("StringLookup", vocabulary="/etc/hostname")
    yield "IntegerLookup", layer("IntegerLookup", vocabulary="/etc/hostname")
    yield "TextVectorization", layer("TextVectorization", vocabulary="/etc/hostname")
    yield "a function of os", layer("system", module="os")
    yield "get_file", layer("get_file", module="keras.utils", origin="http://127.0.0.1")
    yield "load_model", layer("load_model", module="keras.models.x")
    yield "an unknown package", layer("Odd", module="antigravity", registered="a>Odd")
    activation = {"module": "builtins", "class_name": "function", "config": "exec"}
    yield "an activation", layer("Activation", activation=activation)


def keras_file(odd):
    """Return what makes a `.keras` file with one layer of another kind."""
    return lambda folder: zipped(folder, config=sequential(odd))


def zipped(folder, *, config=None, weights=None, compressed=False, more=()):
    """Write a `.keras` file; return its path."""
    path = folder / "model.keras"
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", config or sequential())
        archive.writestr("model.weights.h5", weights or h5(lambda root: None))
        for name, content in more:
            archive.writestr(name, content)
    return path


def sequential(*layers):
    """Return the description of a model of layers, as text."""
    model = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "s", "layers": layers},
        "registered_name": "Sequential",
    }
    return json.dumps(model)


def h5(fill):
    """Return the bytes of an HDF5 file."""
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w") as root:
        fill(root)
    return content.getvalue()


def ring(root):
    """Let a group hold the one above it."""
    root.create_group("layers")["up"] = root["/"]


def ways(root):
    """Let groups be reached by ever more ways."""
    group = root.create_group("g")
    for number in range(40):
        outer = root.create_group(f"layers{number}")
        outer["one"] = outer["two"] = group
        group = outer


def hdf5s():
    """Yield HDF5 files whose arrays are elsewhere, or larger than they are."""
    import h5py

    def array(root, **options):
        root.create_dataset("layers/dense/vars/0", **options)

    external = [("/etc/hostname", 0, 4)]
    layout = h5py.VirtualLayout((4, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4, 4))
    fills = {
        "external link": lambda r: r.__setitem__(
            "layers", h5py.ExternalLink("/etc/hostname", "/x")
        ),
        "soft link": lambda r: r.__setitem__("layers", h5py.SoftLink("/y")),
        "external array": lambda r: array(r, shape=(1,), dtype="f4", external=external),
        "virtual array": lambda r: r.create_virtual_dataset("layers", layout),
        "array without content": lambda r: array(r, shape=(2**31,), dtype="f4"),
        "groups in a ring": ring,
        "groups by many ways": ways,
        "compressed zeros": lambda r: array(
            r, data=np.zeros(2**24, "f4"), compression="gzip", chunks=(2**20,)
        ),
    }
    for name, fill in fills.items():

        def make(folder, fill=fill):
            path = folder / "odd.weights.h5"
            path.write_bytes(h5(fill))
            return path

        yield name, make


def inside_keras(make):
    """Return what puts the HDF5 file of another into a `.keras` file."""
    return lambda folder: zipped(folder, weights=make(folder).read_bytes())


def zips():
    """Yield `.keras` files that are odd as zip files."""
    bomb = bytes(2**28)
    yield "a bomb", lambda f: zipped(f, weights=bomb, compressed=True)
    yield "a long description", lambda f: zipped(f, config="[" * 2**27)
    yield "a deep description", lambda f: zipped(f, config="[" * 10**5)
    yield "a path outside", lambda f: zipped(f, more=[("../../outside", b"x")])
    yield "an absolute path", lambda f: zipped(f, more=[("/outside", b"x")])
    yield "no zip", lambda f: written(f / "model.keras", b"\x89HDF\r\n\x1a\n" * 99)


def npzs():
    """Yield `.npz` files that are pickles, bombs, or lies."""

    def of(name, content, compressed=False):
        def make(folder):
            path = folder / "odd.npz"
            kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            with zipfile.ZipFile(path, "w", kind) as archive:
                archive.writestr(f"{name}.npy", content)
            return path

        return make

    def npy(shape, dtype="<f4", body=b""):
        head = {"descr": dtype, "fortran_order": False, "shape": shape}
        content = io.BytesIO()
        np.lib.format.write_array_header_1_0(content, head)
        return content.getvalue() + body

    call = pickle.dumps(Calls(os.system, f"touch {MARK}"))
    yield "objects", of("Conv1/kernel", npy((1,), "|O", call))
    yield "a bomb", of("Conv1/kernel", npy((2**28,), "|u1", bytes(2**28)), True)
    yield "a bomb that lies", lies(zipfile.ZIP_DEFLATED)
    yield "another bomb that lies", lies(zipfile.ZIP_BZIP2)
    yield "a header alone", of("Conv1/kernel", npy((2**40,)))
    yield "a negative shape", of("Conv1/kernel", npy((-1,)))
    yield "a header of code", of("x", b"\x93NUMPY\x01\0\x10\0__import__('os')")


def lies(kind):
    """Return what writes a bomb that says it holds 64 numbers."""

    def make(folder):
        content = io.BytesIO()
        np.save(content, np.zeros(64, np.uint8))
        path, little = folder / "odd.npz", len(content.getvalue())
        with zipfile.ZipFile(path, "w", kind) as archive:
            archive.writestr("Conv1/kernel.npy", content.getvalue() + bytes(2**28))
        true, lie = ((little + n).to_bytes(4, "little") for n in (2**28, 0))
        path.write_bytes(path.read_bytes().replace(true, lie))
        return path

    return make


def tars():
    """Yield archives that reach outside, or do not end."""
    yield "a path outside", lambda f: tar(f, [("../../data_batch_1", b"x")])
    yield "an absolute path", lambda f: tar(f, [("/data_batch_1", b"x")])
    yield "a symbolic link", lambda f: tar(f, [], links=[(b"2", "/etc/hostname")])
    yield "a hard link", lambda f: tar(f, [], links=[(b"1", "/etc/hostname")])
    yield "a device", lambda f: tar(f, [], links=[(b"3", "")])
    yield "one large member", lambda f: tar(f, [("data_batch_1", bytes(2**29))])
    yield "a large other", lambda f: tar(f, [("other", bytes(2**29))])
    yield "a sparse member", sparse
    yield "a size in a record of its own", record
    yield "a negative one there", backwards
    yield "twice the same", lambda f: tar(f, [("data_batch_1", b"x")] * 2)
    yield "a long name", long_name
    yield "gzip without end", lambda f: written(f / "c.tar.gz", gzip.compress(b"")[:9])


def long_name(folder):
    """Write an archive whose head says that a name of half a GiB follows."""
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 2**29
    path = folder / "c.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head.tobuf())
        for _ in range(2**29 // 2**24):
            file.write(bytes(2**24))
    return path


def sparse(folder):
    """Write an archive whose one block has a file of half a GiB, all of it holes."""
    head = tarfile.TarInfo("data_batch_1")
    head.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(head.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"%011o\0" % 2**29
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return written(folder / "c.tar.gz", gzip.compress(block))


def record(folder):
    """Write an archive whose member has no bytes by its head, and half a GiB by PAX."""
    head = tarfile.TarInfo("data_batch_1")
    head.pax_headers = {"size": str(2**29)}
    block = head.tobuf(tarfile.PAX_FORMAT)
    return written(folder / "c.tar.gz", gzip.compress(block + bytes(2**29), 1))


def backwards(folder):
    """Write an archive whose second member, by PAX, ends before it begins."""
    first, second = tarfile.TarInfo("other"), tarfile.TarInfo("data_batch_1")
    first.size = 512
    second.pax_headers = {"size": "-1536"}
    blocks = first.tobuf() + bytes(512) + second.tobuf(tarfile.PAX_FORMAT)
    return written(folder / "c.tar.gz", gzip.compress(blocks + bytes(1024)))


def tar(folder, files, links=()):
    """Write an archive; return its path."""
    path = folder / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for kind, target in links:
            member = tarfile.TarInfo("data_batch_1")
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return path


def records():
    """Yield folders of binary batches that are none."""
    names = [f"data_batch_{n}.bin" for n in range(1, 6)] + ["test_batch.bin"]

    def of(content):
        def make(folder):
            for name in names:
                (folder / name).write_bytes(content)
            return folder

        return make

    yield "a byte too few", of(bytes(3072))
    yield "labels of 200", of(bytes([200]) + bytes(3072))
    yield "nothing", of(b"")


def folders():
    """Yield folders that look like a saved training."""

    def of(record):
        def make(folder):
            (folder / "result.json").write_text(record)
            return folder

        return make

    yield "no record", of("{}")
    yield "a deep record", of("[" * 10**5)
    paths = {"../../outside": "0" * 64, "model.keras": "0" * 64}
    history = {"history": {"loss": [1.0]}, "kept_epoch": 0}
    record = {"files": paths, "phases": [history], "kept": 1, "provenance": {}}
    yield "a path outside", of(json.dumps(record))


def exports():
    """Yield exported files whose card is not theirs."""

    def of(card, content=b"\x08\x07"):
        def make(folder):
            (folder / "model.onnx").write_bytes(content)
            (folder / "export.json").write_text(json.dumps(card))
            return folder

        return make

    card = {"size": [32, 32], "fixed": False, "digests": {"model.onnx": "0" * 64}}
    yield "another digest", of(card)
    yield "no digest", of({**card, "digests": {}})
    yield "a huge size", of({**card, "size": [10**6, 10**6]})


def runs():
    """Yield folders of checkpoints that are none."""
    import hashlib

    from cifarkit import _sealed

    def of(content, nbytes=None):
        def make(folder):
            (folder / "000001.npz").write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            size = len(content) if nbytes is None else nbytes
            about = {"bytes": size, "sha256": digest, "record": {}}
            _sealed.write(folder / "000001.manifest", about)
            return folder

        return make

    call = pickle.dumps(Calls(os.system, f"touch {MARK}"))
    yield "a pickle", of(call)
    bomb = io.BytesIO()
    np.savez_compressed(bomb, a=np.zeros(2**27, np.uint8))
    yield "a bomb", of(bomb.getvalue())
    yield "another size", of(b"x", nbytes=2**40)

    def endless(folder):
        (folder / "000001.manifest").write_bytes(bytes(2**27))
        return folder

    yield "a long manifest", endless


def written(path, content):
    """Write bytes; return the path."""
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    main()
