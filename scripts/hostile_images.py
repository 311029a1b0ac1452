"""Mutated image files and bombs against `images.decode`, in this process.

python scripts/hostile_images.py --json docs/results/hostile_images.json

40 seeds (every format, many modes) give 20,000 files with bytes changed, cut or
repeated; of 27 bombs 20 declare far more pixels than they hold, seven take long. Four
pictures of one pixel have directories of EXIF that name the same bytes thousands of
times, and are decoded. A file is a picture or `InvalidImage`; nothing else is raised.
"""

import argparse
import io
import json
import random
import resource
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from cifarkit import images
from cifarkit._errors import InvalidImage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "benchmarks"))

from measuring import command, write_json  # noqa: E402
from surroundings import surroundings  # noqa: E402

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "P"),
    "BMP": ("1", "L", "P", "RGB"),
}


LONGEST = 5.0
"""Seconds that no file may take."""

LENGTH = 48_000
ENTRIES = (LENGTH - 14) // 12
"""Bytes of a directory of EXIF, and how many entries it has room for."""

MOST = 20_000_000
"""Bytes that no metadata may take."""


def main():
    """Decode everything, and write what was the worst."""
    options = parsed()
    draw = random.Random(options.seed)
    kept = seeds()
    outcomes = {"decoded": 0, "refused": 0}
    slowest, before = 0.0, peak()
    for number in range(options.files):
        content = mutated(draw, kept[number % len(kept)])
        outcome, seconds = tried(content)
        outcomes[outcome] += 1
        slowest = max(slowest, seconds)
    grown = peak() - before
    refused = [tried(bomb) for bomb in bombs()]
    reached = peak()
    read = [tried(picture) for picture in directories()]
    figures = {
        "command": command(),
        "seed": options.seed,
        **surroundings(),
        "seeds": len(kept),
        "files": options.files,
        **outcomes,
        "slowest_s": slowest,
        "memory_of_the_largest_bytes": grown,
        "bombs": len(refused),
        "bombs_refused": sum(outcome == "refused" for outcome, _ in refused),
        "slowest_refusal_of_a_bomb_s": max(seconds for _, seconds in refused),
        "directories": len(read),
        "directories_decoded": sum(outcome == "decoded" for outcome, _ in read),
        "a_directory_names_bytes": ENTRIES * (LENGTH - 1),
        "memory_of_the_directories_bytes": peak() - reached,
        "slowest_directory_s": max(seconds for _, seconds in read),
    }
    write_json(options.json, figures)
    print(json.dumps(figures, indent=2))
    assert figures["bombs_refused"] == figures["bombs"], "a bomb was decoded"
    assert figures["directories_decoded"] == len(read), "a picture was refused"
    assert figures["memory_of_the_directories_bytes"] < MOST, "metadata were copied out"
    assert slowest < LONGEST, f"a file took {slowest:.1f} s"
    assert figures["slowest_refusal_of_a_bomb_s"] < LONGEST, "a refusal took long"


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="where figures go")
    parser.add_argument("--files", type=int, default=20_000, help="mutated files")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def tried(content):
    """Return what came of a file, and in how many seconds."""
    began = time.perf_counter()
    try:
        found = images.decode(content)
    except InvalidImage:
        return "refused", time.perf_counter() - began
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[2] != 3:
        raise SystemExit(f"Expected a picture; received {found.dtype}, {found.shape}.")
    return "decoded", time.perf_counter() - began


def peak():
    """Return the most bytes that this process has held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def seeds():
    """Return whole files: every format and mode, two sizes, 40 in all."""
    found = []
    for side in (17, 64):
        for form, modes in MODES.items():
            for mode in modes:
                found.append(written(form, mode, side))
    for form in ("PNG", "GIF", "WEBP", "JPEG"):  # several frames, or an orientation
        found.append(written(form, "RGB", 32, more=True))
    return found[:40]


def written(form, mode, side, *, more=False):
    """Return an image file."""
    draw = np.random.default_rng(side)
    pixels = draw.integers(0, 256, (side, side, 3)).astype(np.uint8)
    image = Image.fromarray(pixels)
    if mode == "I;16":
        wide = draw.integers(0, 2**16, (side, side)).astype(np.uint16)
        image = Image.fromarray(wide)
    elif mode != "RGB":
        image = image.convert(mode)
    options = {}
    if more and form == "JPEG":
        exif = Image.Exif()
        exif[0x0112] = 6
        options["exif"] = exif
    elif more:
        options = {"save_all": True, "append_images": [image.rotate(90)] * 3}
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def mutated(draw, content):
    """Return a file with one to eight changes."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        data = data or bytearray(1)
        place = draw.randrange(len(data))
        kind = draw.randrange(6)
        if kind == 0:
            data[place] = draw.randrange(256)
        elif kind == 1:
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 2:
            del data[place : place + draw.randint(1, 64)]
        elif kind == 3:
            data[place:place] = data[place : place + draw.randint(1, 64)]
        elif kind == 4:
            data[place : place + 4] = struct.pack(">I", draw.choice(EXTREMES))
        else:
            data = data[: max(1, place)]
    return bytes(data)


EXTREMES = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)


def bombs():
    """Return 27 files: 20 declare up to four milliards of pixels, seven take long."""
    found = []
    for width, height in ((2**16 - 1, 2**16 - 1), (2**31 - 1, 1), (10**5, 10**4)):
        for depth, colour in ((8, 2), (1, 0), (16, 6), (8, 3)):
            found.append(png(width, height, depth, colour))
    for side in (65_500, 60_000, 40_000):
        found.append(bmp(side))
        found.append(gif(side))
    found += [webp(16_383, 16_383), jpeg(65_500)]
    found += [scans(1600), runs(700)]
    found += [comments(1, 500_000), comments(300_000, 1), segments(300_000)]
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1_000_000)))
    return [*found, behind(1_000_000 * chunk(b"prVt", b"")), behind(1_000 * profile)]


def chunk(name, data):
    """Return a chunk of PNG."""
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, depth, colour):
    """Return a PNG of a hundred thousand zeros, which says that it is larger."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(6)) if colour == 3 else b""
    data = chunk(b"IDAT", zlib.compress(bytes(100_000)))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + palette + data + chunk(b"IEND", b"")


def bmp(side):
    """Return the head of a BMP."""
    info = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54) + info + bytes(100)


def gif(side):
    """Return the head of a GIF, and the start of a frame."""
    screen = b"GIF89a" + struct.pack("<HHBBB", side, side, 0xF0, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\0;"
    return screen + frame


def webp(width, height):
    """Return a lossless WEBP of one colour, as large as the format allows."""
    bits = 0x2F | (width - 1) << 8 | (height - 1) << 22
    body = b"VP8L" + struct.pack("<I", 10) + struct.pack("<Q", bits)[:5] + bytes(5)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg(side):
    """Return a JPEG whose head says another size."""
    content = bytearray(written("JPEG", "RGB", 16))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", side, side)
    return bytes(content)


def scans(side):
    """Return a JPEG that repeats its last scan until it has a megabyte."""
    content = io.BytesIO()
    Image.new("L", (side, side)).save(content, "JPEG", progressive=True)
    data = content.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (2**20 // len(last)) + data[-2:]


def runs(side):
    """Return a BMP whose pixels are runs of one."""
    info = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    size = 14 + 40 + 1024 + 2 * side * side
    head = b"BM" + struct.pack("<IHHI", size, 0, 0, 14 + 40 + 1024)
    return head + info + bytes(1024) + side * side * b"\x01\x00"


def comments(count, each):
    """Return a GIF with comments before its pixels, in blocks of one byte."""
    data = written("GIF", "L", 16)
    place = data.index(b",")
    comment = b"!\xfe" + each * b"\x01a" + b"\0"
    return data[:place] + count * comment + data[place:]


def segments(count):
    """Return a JPEG with small pieces of EXIF before its pixels."""
    data = written("JPEG", "RGB", 16)
    return data[:2] + count * b"\xff\xe1\0\x09Exif\0\0a" + data[2:]


def behind(pieces):
    """Return a PNG with chunks behind its pixels."""
    data = written("PNG", "RGB", 16)
    place = data.index(b"IEND") - 4
    return data[:place] + pieces + data[place:]


def directories():
    """Return pictures of a pixel whose entries of EXIF name all its bytes but one."""
    entries = (struct.pack("<HHII", tag, 7, LENGTH - 1, 0) for tag in range(ENTRIES))
    body = b"II*\0" + struct.pack("<IH", 8, ENTRIES) + b"".join(entries)
    body = body.ljust(LENGTH, b"\0")
    pixel, found = Image.new("RGB", (1, 1)), []
    for form in ("JPEG", "WEBP", "PNG"):
        content = io.BytesIO()
        pixel.save(content, form, exif=b"Exif\0\0" + body)
        found.append(content.getvalue())
    content = io.BytesIO()
    pixel.save(content, "PNG")
    plain, text = content.getvalue(), f"\nexif\n{len(body):8}\n{body.hex()}".encode()
    profile = b"Raw profile type exif\0\0" + zlib.compress(text)
    place = plain.index(b"IDAT") - 4
    return [*found, plain[:place] + chunk(b"zTXt", profile) + plain[place:]]


if __name__ == "__main__":
    main()
