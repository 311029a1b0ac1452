"""The service as a web page."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifarkit._errors import InvalidArgument
from cifarkit._extras import require
from cifarkit._types import Images, Model
from cifarkit.prediction import Predictor
from cifarkit.serving._answers import told_on_page
from cifarkit.serving._limits import BATCH, Limits
from cifarkit.serving._overlay import network_of, overlaid

_log = logging.getLogger(__name__)


def gradio_page(
    model: Model | str | Path,
    class_names: Sequence[str] | None = None,
    *,
    examples: Sequence[str | Path] = (),
) -> Any:
    """Return a Gradio page: upload or webcam, three classes, a heat map, many at once.

    The uploaded file itself is classified, not what Gradio would decode it to; it may
    have as many pixels as `Limits` says. The heat map (Grad-CAM) needs a Keras model,
    or a file or folder of one.

    Args:
        model: as for `Predictor`.
        class_names: as for `Predictor`.
        examples: paths of images to try.

    Raises:
        MissingExtra: Gradio is not installed; else as for `Predictor`.

    Example:
        >>> gradio_page("model.keras").launch(max_file_size="8mb")   # doctest: +SKIP
    """
    gradio = require("gradio", extra="gradio")
    predictor = Predictor(model, class_names, max_pixels=Limits().pixels)
    network = network_of(model)

    def one(path: str | None) -> tuple[dict[str, float] | None, Images | None]:
        if path is None:
            return None, None
        with told_on_page(gradio):
            image = predictor.prepared(_content(path))
            (row,) = predictor.probabilities([image])
            looked = None if network is None else _looked(network, image)
        return dict(predictor.named(row).probabilities), looked

    def many(paths: Sequence[str] | None) -> list[tuple[str, str]]:
        chosen = list(paths or ())
        with told_on_page(gradio):
            if len(chosen) > BATCH:
                raise InvalidArgument(
                    f"Expected up to {BATCH} pictures; received {len(chosen)}. "
                    "Choose fewer at a time."
                )
            found = predictor.batch([_content(path) for path in chosen])
        lines = [f"{each.name} {each.confidence:.0%}" for each in found]
        return list(zip(chosen, lines, strict=True))

    title, hour = "What is in the picture?", (3600, 3600)
    with gradio.Blocks(analytics_enabled=False, title=title, delete_cache=hour) as page:
        gradio.Markdown(f"# {title}\nIt knows {', '.join(predictor.class_names)}.")
        with gradio.Tab("One picture"):
            with gradio.Row():
                as_it_is = {"type": "filepath", "image_mode": None}
                image = gradio.Image(label="Picture", height=360, **as_it_is)
                label = gradio.Label(label="It is", num_top_classes=3)
                seen = {"height": 360, "visible": network is not None}
                where = gradio.Image(label="Where it looked", **seen)
            if examples:
                gradio.Examples([[str(path)] for path in examples], image)
        with gradio.Tab("Many pictures"):
            files = gradio.Files(label=f"Up to {BATCH} pictures")
            gallery = gradio.Gallery(label="They are", columns=4)
        image.change(one, image, [label, where], api_name="predict")
        files.change(many, files, gallery, api_name="predict_batch")
    return page.queue(max_size=32, default_concurrency_limit=1)


def _content(path: str) -> bytes:
    """Return the bytes of an upload; no error shall name the place where it lies."""
    return Path(path).read_bytes()


def _looked(network: Model, pixels: Images) -> Images | None:
    """Return the heat map, or None of a network that has no maps to look at."""
    try:
        return overlaid(network, pixels)
    except InvalidArgument as error:
        _log.warning("No heat map: %s", error)
        return None
