"""What `cifarkit.images` makes of good, odd, broken and hostile image files."""

import struct
import time
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from cifarkit import images
from cifarkit._errors import InvalidArgument, InvalidImage
from cifarkit.images._limits import scans_of
from cifarkit.images._metadata import orientation
from strategies import rgb_images

# What a viewer does for each value of the EXIF orientation, in NumPy's words.
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}
LOSSLESS = {"PNG": {}, "BMP": {}, "WEBP": {"lossless": True, "exact": True}}
SAVED = {**LOSSLESS, "GIF": {}, "JPEG": {}}


def encoded(image, file_format, **options):
    """Return the bytes of an image file."""
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def png_header(width, height):
    """A PNG file of one line that says it is `width` by `height`."""
    return png(width, height, bits=8, colour=2, line=b"\0" * 99)


def png(width, height, *, bits, colour, line, clear=None):
    """A PNG file of one line of bytes, as Pillow writes none."""

    def chunk(kind, body):
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (b"" if clear is None else chunk(b"tRNS", clear))
        + chunk(b"IDAT", zlib.compress(b"\0" + line))
        + chunk(b"IEND", b"")
    )


@given(pixels=rgb_images(), file_format=st.sampled_from(sorted(LOSSLESS)))
def test_lossless_formats_give_back_their_pixels(pixels, file_format):
    """What was saved without loss is what is decoded."""
    data = encoded(Image.fromarray(pixels), file_format, **LOSSLESS[file_format])
    np.testing.assert_array_equal(images.decode(data), pixels)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
@given(stored=rgb_images())
def test_every_exif_orientation_is_applied(orientation, file_format, stored):
    """The pixels are those that a viewer would show."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(
        Image.fromarray(stored), file_format, exif=exif, **LOSSLESS[file_format]
    )
    np.testing.assert_array_equal(images.decode(data), UPRIGHT[orientation](stored))


def test_exif_orientation_of_a_jpeg_is_applied():
    """A camera's portrait picture stands upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.new("RGB", (40, 20))
    assert images.decode(encoded(stored, "JPEG", exif=exif)).shape == (40, 20, 3)


@pytest.mark.parametrize("body", [b"MM\0*\0\0\0\x08\xff\xff\0", b"not a header"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_turns_nothing(file_format, body):
    """Metadata that cannot be read does not cost the image."""
    stored = Image.new("RGB", (40, 20), "red")
    data = encoded(stored, file_format, exif=b"Exif\0\0" + body)
    assert images.decode(data).shape == (20, 40, 3)


@given(pixels=rgb_images())
def test_opaque_alpha_changes_nothing(pixels):
    """An image that is opaque everywhere is the image without its alpha."""
    data = encoded(Image.fromarray(pixels).convert("RGBA"), "PNG")
    np.testing.assert_array_equal(images.decode(data), pixels)


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
@given(gray=rgb_images().map(lambda pixels: pixels[..., 0]))
def test_a_palette_changes_nothing(file_format, gray):
    """An image with few enough colours is the same with a palette."""
    pixels = np.stack([gray, 255 - gray, gray // 2], axis=-1)
    image = Image.fromarray(gray)
    image.putpalette([part for c in range(256) for part in (c, 255 - c, c // 2)])
    data = encoded(image, file_format)
    np.testing.assert_array_equal(images.decode(data), pixels)


@given(pixels=rgb_images(), low=st.integers(0, 255), transparent=st.booleans())
def test_16_bit_values_keep_their_upper_byte(pixels, low, transparent):
    """Sixteen bits of gray are not clipped to white."""
    gray = pixels[..., 0]
    wide = gray.astype(np.uint16) * 256 + low
    options = {"transparency": int(wide[0, 0])} if transparent else {}
    decoded = images.decode(encoded(Image.fromarray(wide), "PNG", **options))
    expected = np.where(wide == wide[0, 0], 255, gray) if transparent else gray
    np.testing.assert_array_equal(decoded, np.stack([expected] * 3, axis=-1))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_lie_over_white(mode):
    """Fully clear is white, half clear is half way to white."""
    black = Image.new("RGBA", (3, 1), "black")
    black.putalpha(Image.fromarray(np.array([[0, 128, 255]], np.uint8)))
    decoded = images.decode(encoded(black.convert(mode), "PNG"))
    np.testing.assert_array_equal(decoded[0, :, 0], [255, 127, 0])


def test_a_transparent_palette_colour_lies_over_white():
    """The colour that a GIF declares clear is white."""
    image = Image.new("P", (2, 1), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    decoded = images.decode(encoded(image, "GIF", transparency=0))
    np.testing.assert_array_equal(decoded[0], [[255, 255, 255], [40, 50, 60]])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_one_clear_grey_of_few_bits_lies_over_white(bits):
    """A PNG names it in its own bits: of all its greys that one is white."""
    count = min(2**bits, 8)
    text = "".join(format(grey, f"0{bits}b") for grey in range(count))
    line = bytes(
        int(text[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(text), 8)
    )
    seen = np.arange(count) * 255 // (2**bits - 1)
    for grey in range(count):
        clear = struct.pack(">H", grey)
        data = png(count, 1, bits=bits, colour=0, line=line, clear=clear)
        expected = np.where(np.arange(count) == grey, 255, seen)
        assert images.decode(data)[0, :, 0].tolist() == expected.tolist()


def test_a_clear_colour_of_16_bits_lies_over_white():
    """It is found by the upper bytes, which are all that is kept of the pixels."""
    colours = struct.pack(">6H", 0x0102, 0x0304, 0x0506, 0x1234, 0x5678, 0x9ABC)
    data = png(2, 1, bits=16, colour=2, line=colours, clear=colours[6:])
    assert images.decode(data)[0].tolist() == [[1, 3, 5], [255, 255, 255]]


@pytest.mark.parametrize("colour", ["white", "black", "red", "gray"])
def test_cmyk_keeps_its_colours(colour):
    """A JPEG for print shows the colour it was made from."""
    image = Image.new("RGB", (16, 16), colour)
    decoded = images.decode(encoded(image.convert("CMYK"), "JPEG", quality=100))
    assert np.abs(decoded.astype(int) - np.asarray(image)).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L"])
def test_gray_becomes_rgb(mode):
    """Gray images get three equal channels."""
    image = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
    decoded = images.decode(encoded(image, "PNG"))
    np.testing.assert_array_equal(decoded, [[[0, 0, 0], [255, 255, 255]]])


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP"])
def test_an_animation_gives_its_first_frame(file_format):
    """Of an animation, the frame that is shown first is decoded."""
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "lime")]
    options = {"save_all": True, "append_images": frames[1:]}
    options |= {"lossless": True} if file_format == "WEBP" else {}
    decoded = images.decode(encoded(frames[0], file_format, **options))
    np.testing.assert_array_equal(decoded, np.asarray(frames[0]))


@given(pixels=rgb_images(), file_format=st.sampled_from(sorted(SAVED)), data=st.data())
def test_a_file_cut_short_is_invalid_or_decodes(pixels, file_format, data):
    """Cut anywhere, a file raises InvalidImage or decodes, and nothing else."""
    whole = encoded(Image.fromarray(pixels), file_format, **SAVED[file_format])
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        decoded = images.decode(cut)
    except InvalidImage:
        return
    assert decoded.shape == pixels.shape


@given(
    pixels=rgb_images(),
    file_format=st.sampled_from(sorted(SAVED)),
    changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1),
)
def test_a_damaged_file_is_invalid_or_decodes(pixels, file_format, changes):
    """With any bytes changed, a file raises InvalidImage or decodes to RGB."""
    data = bytearray(encoded(Image.fromarray(pixels), file_format))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        decoded = images.decode(bytes(data), max_pixels=10_000)
    except InvalidImage:
        return
    assert decoded.dtype == np.uint8
    assert decoded.ndim == 3
    assert decoded.shape[2] == 3


@pytest.mark.parametrize("file_format", ["TIFF", "PPM", "ICO", "PCX", "EPS", "TGA"])
def test_other_formats_are_refused(file_format):
    """What Pillow could open but nobody needs is not even tried."""
    data = encoded(Image.new("RGB", (16, 16)), file_format)
    with pytest.raises(InvalidImage, match="none of these formats"):
        images.decode(data)


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"<svg></svg>"])
def test_what_is_no_image_is_refused(data):
    """Bytes that are no image give an error that says how many they were."""
    with pytest.raises(InvalidImage, match=f"received {len(data)} bytes"):
        images.decode(data)


@pytest.mark.parametrize("sides", [(8_000, 8_000), (12_000, 9_000)])
@pytest.mark.filterwarnings("ignore:Image size")
def test_a_bomb_is_refused_by_its_header(sides):
    """The dimensions are read before a pixel is, whatever Pillow thinks of them."""
    with pytest.raises(InvalidImage, match="1 to 50,000,000 pixels"):
        images.decode(png_header(*sides))


def test_a_bomb_that_pillow_itself_refuses_is_one_error():
    """It may be first."""
    with pytest.raises(InvalidImage, match="DecompressionBomb"):
        images.decode(png_header(60_000, 60_000))


def test_the_limit_is_the_callers():
    """`max_pixels` admits exactly that many."""
    data = encoded(Image.new("RGB", (30, 20)), "PNG")
    assert images.decode(data, max_pixels=600).shape == (20, 30, 3)
    with pytest.raises(InvalidImage, match=r"1 to 599 pixels.*30 x 20"):
        images.decode(data, max_pixels=599)


def test_no_setting_of_pillow_is_touched():
    """Other users of Pillow in the process keep their settings."""
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    images.decode(encoded(Image.new("RGB", (2, 2)), "PNG"))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_read(tmp_path, kind):
    """A file's path gives what its bytes give."""
    path = tmp_path / "red.png"
    Image.new("RGB", (3, 2), "red").save(path)
    assert images.decode(kind(path)).tolist() == [[[255, 0, 0]] * 3] * 2


def test_errors_name_the_file(tmp_path):
    """A missing and a broken file are both named."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    for path in (broken, tmp_path / "missing.png"):
        with pytest.raises(InvalidImage, match=path.name):
            images.decode(path)


def test_what_is_neither_bytes_nor_path_is_refused():
    """An array or an open file is not guessed at."""
    with pytest.raises(InvalidArgument, match="received BytesIO"):
        images.decode(BytesIO())


@given(pixels=rgb_images(), size=st.integers(1, 40))
def test_resize_gives_a_square_near_the_range_of_the_image(pixels, size):
    """A resized image is square; bicubic, a channel leaves its range a little."""
    resized = images.resize(pixels, size)
    assert resized.shape == (size, size, 3)
    assert resized.dtype == np.uint8
    low, high = (each(axis=(0, 1)).astype(int) for each in (pixels.min, pixels.max))
    beyond = 0.3 * (high - low) + 2  # an eighth for each direction, and rounding
    assert (resized.min(axis=(0, 1)) >= low - beyond).all()
    assert (resized.max(axis=(0, 1)) <= high + beyond).all()


def test_resize_averages_when_it_shrinks():
    """Fine texture becomes its mean, not one of its two values."""
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    resized = images.resize(np.stack([board] * 3, axis=-1).astype(np.uint8), 8)
    assert np.abs(resized.astype(int) - 127).max() <= 2


def test_resize_gives_a_height_and_a_width():
    """Of two numbers the first is the height."""
    upper = np.repeat([[0], [255]], [6, 6], axis=0) * np.ones((1, 8))
    resized = images.resize(np.stack([upper] * 3, axis=-1).astype(np.uint8), (4, 8))
    assert resized.shape == (4, 8, 3)
    assert resized[0].max() < resized[3].min()


def test_resize_to_the_same_size_is_a_copy():
    """The result can be written to without changing the image."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    resized = images.resize(pixels, 4)
    resized[:] = 1
    assert not pixels.any()


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (np.zeros((4, 4, 3), np.float32), 4),
        (np.zeros((4, 4), np.uint8), 4),
        (np.zeros((4, 4, 4), np.uint8), 4),
        (np.zeros((4, 4, 3), np.uint8), 0),
        (np.zeros((4, 4, 3), np.uint8), (4, 0)),
        (np.zeros((4, 4, 3), np.uint8), (4, 8, 3)),
        (np.zeros((4, 4, 3), np.uint8), [4, 8]),
        (np.zeros((4, 4, 3), np.uint8), True),
    ],
)
def test_resize_refuses_other_arrays_and_sizes(image, size):
    """Only RGB bytes and sizes of at least one pixel are taken."""
    with pytest.raises(InvalidArgument, match="Expected"):
        images.resize(image, size)


def test_a_jpeg_of_many_scans_is_refused_at_once():
    """Fifteen bytes, repeated, would each be a pass over all pixels."""
    content = BytesIO()
    Image.new("L", (1600, 1600)).save(content, "JPEG", progressive=True)
    data = content.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert images.decode(data).shape == (1600, 1600, 3)
    began = time.perf_counter()
    with pytest.raises(InvalidImage, match="at most 100 scans"):
        images.decode(data[:-2] + 50_000 * scan + data[-2:])
    assert time.perf_counter() - began < 1


def with_index(data):
    """Return a JPEG that says it is the first of two pictures, as "MPO" files do."""
    entries = b"".join(
        struct.pack("<IIIHH", kind, len(data), 0, 0, 0) for kind in (0x030000, 0)
    )
    tags = [(0xB000, 7, 4, b"0100"), (0xB001, 4, 1, struct.pack("<I", 2))]
    tags += [(0xB002, 7, len(entries), struct.pack("<I", 8 + 2 + 3 * 12 + 4))]
    table = b"".join(struct.pack("<HHI", *tag[:3]) + tag[3] for tag in tags)
    index = b"MPF\0II*\0" + struct.pack("<IH", 8, 3) + table + bytes(4) + entries
    length = struct.pack(">H", len(index) + 2)
    return data[:2] + b"\xff\xe2" + length + index + data[2:]


def test_many_scans_hide_in_no_other_kind_of_jpeg():
    """Pillow calls the first of several pictures another format."""
    content = BytesIO()
    Image.new("L", (400, 400)).save(content, "JPEG", progressive=True)
    data = content.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert Image.open(BytesIO(with_index(data))).format == "MPO"
    assert images.decode(with_index(data)).shape == (400, 400, 3)
    with pytest.raises(InvalidImage, match="at most 100 scans"):
        images.decode(with_index(data[:-2] + 200 * scan + data[-2:]))


@pytest.mark.parametrize("code", [0x02, 0xBF])
def test_many_scans_hide_behind_no_reserved_marker(code):
    """A decoder that has lost its place skips such a marker, not what follows it."""
    content = BytesIO()
    Image.new("L", (400, 400)).save(content, "JPEG", progressive=True)
    data = content.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    hidden = bytes([0xFF, code]) + struct.pack(">H", 60_000) + 200 * scan
    with pytest.raises(InvalidImage, match="at most 100 scans"):
        images.decode(data[:-2] + hidden + data[-2:])


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xd0", b"\xff\xff\x00"])
def test_looking_through_a_jpeg_takes_no_time(filling):
    """An erased end, as memory cards have, is a million bytes of one kind."""
    photo = encoded(Image.new("RGB", (9, 9), "red"), "JPEG")
    place = photo.rindex(b"\xff\xda") + 2
    began = time.perf_counter()
    for _ in range(3):
        scans_of(photo[:place] + 2_000_000 * filling)
    assert time.perf_counter() - began < 3


def test_a_film_behind_a_jpeg_is_no_part_of_it():
    """Phones write one there; by chance it has what begins a scan."""
    photo = encoded(Image.new("RGB", (9, 9), "red"), "JPEG")
    film = 200 * b"moov\xff\xda"
    assert np.array_equal(images.decode(photo + film), images.decode(photo))


def directory(length, *, last=b""):
    """Return EXIF whose every entry names all of its bytes but one."""
    count = (length - 14) // 12
    entries = [
        struct.pack("<HHII", tag, 7, length - 1, 0) for tag in range(1000, 999 + count)
    ]
    body = b"II*\0" + struct.pack("<IH", 8, count) + b"".join(entries) + last
    return body.ljust(length, b"\0")


def chunk(name, data):
    """Return a chunk of PNG."""
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def exif_bombs():
    """Return images of a pixel whose metadata Pillow copies out thousands of times."""
    body = directory(48_000)
    yield encoded(Image.new("RGB", (1, 1)), "JPEG", exif=b"Exif\0\0" + body)
    yield encoded(Image.new("RGB", (1, 1)), "WEBP", exif=b"Exif\0\0" + body)
    png = encoded(Image.new("RGB", (1, 1)), "PNG")
    place = png.index(b"IDAT") - 4
    text = b"Raw profile type exif\0\0" + zlib.compress(
        f"\nexif\n{len(body):8}\n".encode() + body.hex().encode()
    )
    for piece in (chunk(b"eXIf", body), chunk(b"zTXt", text)):
        yield png[:place] + piece + png[place:]


@pytest.mark.parametrize("data", [*exif_bombs()], ids=["jpeg", "webp", "png", "text"])
def test_a_directory_of_exif_takes_no_memory(data):
    """Four thousand entries of all 48,000 bytes would be 190 MB."""
    images.decode(data)  # what is imported and kept once
    tracemalloc.start()
    assert images.decode(data).shape == (1, 1, 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [3, 4])
@given(value=st.integers(0, 255))
def test_an_orientation_is_that_of_pillow(order, kind, value):
    """In either order of bytes, as any whole number; what is no orientation is 1."""
    packed = struct.pack(order + {3: "H", 4: "I"}[kind], value).ljust(4, b"\0")
    entries = [struct.pack(f"{order}HHI4s", 0x010F, 2, 4, b"Me\0\0")]
    entries += [struct.pack(f"{order}HHI4s", 0x0112, kind, 1, packed)]
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 2)
    image = Image.new("RGB", (2, 1))
    image.info["exif"] = b"Exif\0\0" + start + b"".join(entries) + bytes(4)
    found = image.getexif().get(0x0112)
    assert orientation(image) == (found if found in range(1, 9) else 1)


@given(body=st.binary(max_size=200))
def test_any_exif_is_read_or_passed_over(body):
    """Whatever stands there, an orientation or none comes out."""
    image = Image.new("RGB", (2, 1))
    for start in (b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        image.info["exif"] = start + body
        assert orientation(image) in range(1, 9)


def test_an_orientation_may_stand_in_xmp():
    """Where EXIF has none, as some editors write."""
    text = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    stored = Image.new("RGB", (40, 20))
    for file_format in ("JPEG", "WEBP"):
        data = encoded(stored, file_format, xmp=text)
        assert images.decode(data).shape == (40, 20, 3)


def comments(count, each):
    """Return a GIF with comments before its pixels, of blocks of one byte."""
    gif = encoded(Image.new("P", (1, 1)), "GIF")
    place = gif.index(b",")
    return gif[:place] + count * (b"!\xfe" + each * b"\x01a" + b"\0") + gif[place:]


def junk(count):
    """Return a GIF with bytes before its pixels that mean nothing."""
    gif = encoded(Image.new("P", (1, 1)), "GIF")
    place = gif.index(b",")
    return gif[:place] + bytes(count) + gif[place:]


def segments(count):
    """Return a JPEG with small segments before its pixels."""
    photo = encoded(Image.new("RGB", (1, 1)), "JPEG")
    return photo[:2] + count * b"\xff\xe1\0\x09Exif\0\0a" + photo[2:]


@pytest.mark.parametrize(
    "data",
    [comments(1, 500_000), comments(300_000, 1), junk(1_000_000), segments(300_000)],
)
def test_a_million_pieces_before_the_pixels_are_refused_at_once(data):
    """Pillow would put them together by copying what there was, each time."""
    began = time.perf_counter()
    with pytest.raises(InvalidImage, match="too many pieces"):
        images.decode(data)
    assert time.perf_counter() - began < 5


def test_pieces_behind_the_pixels_are_bounded_too():
    """A PNG goes on behind them: empty chunks, and profiles of a megabyte each."""
    png = encoded(Image.new("RGB", (9, 9)), "PNG")
    place = png.index(b"IEND") - 4
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1_000_000)))
    for pieces, words in (
        (1_000_000 * chunk(b"prVt", b""), "too many pieces"),
        (1_000 * profile, "one colour profile"),
    ):
        began = time.perf_counter()
        with pytest.raises(InvalidImage, match=words):
            images.decode(png[:place] + pieces + png[place:])
        assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (b"tEXt", b"Raw profile type exif"),
        (b"tEXt", b"xmp"),
        (b"zTXt", b"xmp"),
        (b"zTXt", b"exif"),
    ],
)
def test_texts_that_are_called_as_metadata_cost_no_image(kind, name):
    """Pillow takes them for what they are not."""
    packed = b"\0" + zlib.compress(b"no such thing") if kind == b"zTXt" else b"no such"
    png = encoded(Image.new("RGB", (9, 5)), "PNG")
    place = png.index(b"IDAT") - 4
    data = png[:place] + chunk(kind, name + b"\0" + packed) + png[place:]
    assert images.decode(data).shape == (5, 9, 3)


def test_an_orientation_is_that_of_its_own_picture():
    """Another one behind it, held otherwise, turns nothing."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = encoded(Image.new("RGB", (40, 20)), "JPEG")
    other = encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif)
    assert images.decode(photo + other).shape == (20, 40, 3)
    assert images.decode(other + photo).shape == (40, 20, 3)


def test_a_comment_and_a_profile_are_no_harm():
    """What programs write beside the pixels passes."""
    for data in (comments(2, 300), segments(200)):
        assert images.decode(data).shape == (1, 1, 3)
    wide = Image.new("RGB", (64, 64))
    profile = bytes(3_000_000)  # in fifty segments
    assert images.decode(encoded(wide, "JPEG", icc_profile=profile)).shape == (
        64,
        64,
        3,
    )


def test_want_of_memory_is_not_the_files_fault(monkeypatch):
    """It may be whole: nobody is told to save it again."""

    def full(*_):
        raise MemoryError

    monkeypatch.setattr("cifarkit.images._decode.upright", full)
    with pytest.raises(MemoryError):
        images.decode(encoded(Image.new("RGB", (2, 2)), "PNG"))


def test_a_run_length_encoded_bmp_is_refused():
    """Pillow reads its runs in Python, one by one."""
    head = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, 1, 0, 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", 1200, 0, 0, 14 + 40 + 1024) + head
    data += bytes(1024) + 64 * 64 * b"\x01\x00"
    with pytest.raises(InvalidImage, match="run-length"):
        images.decode(data)


def test_a_refused_encoding_is_named(tmp_path):
    """Among thousands of files, the text says which."""
    path = tmp_path / "wide.bmp"
    content = bytearray(encoded(Image.new("P", (4, 4)), "BMP"))
    content[30:34] = (1).to_bytes(4, "little")  # run-length, 8 bits
    path.write_bytes(content)
    with pytest.raises(InvalidImage, match=r"wide\.bmp"):
        images.decode(path)


def test_a_path_that_cannot_be_is_refused():
    """A name with a zero in it is none."""
    with pytest.raises(InvalidImage, match="null"):
        images.decode("a\0.png")
