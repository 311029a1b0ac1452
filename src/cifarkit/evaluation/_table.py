"""An evaluation's dictionary as text for a terminal, at most 88 characters wide."""

from collections.abc import Iterator

from cifarkit._types import Json

_WIDTH = 88
_NAME = 24
_CLASSES = 20
_FEW = 5


def table(figures: Json) -> str:
    """Return the figures as text: first all in all, then by class, then the mistakes.

    Args:
        figures: what `Evaluation.to_dict` returns.
    """
    parts = (_summary, _classes, _matrix, _pairs, _worst)
    return "\n\n".join(
        "\n".join(lines) for part in parts if (lines := list(part(figures)))
    )


def _summary(figures: Json) -> Iterator[str]:
    low, high = (f"{share:.2%}" for share in figures["interval"])
    mirrored = ", each with its mirror image" if figures["tta"] else ""
    shares = figures["top_k"].items()
    ranks = [f"top {k}: {share:.2%}" for k, share in shares if k != "1"]
    penalised = f"(with penalties: {figures['objective']:.4f})"
    yield f"{figures['n']:,} images, {len(figures['class_names']):,} classes{mirrored}"
    yield f"accuracy     {figures['accuracy']:.2%}   (95% interval: {low} to {high})"
    if ranks:
        yield f"             {'   '.join(ranks)}"
    yield f"loss         {figures['loss']:.4f}   {penalised}"
    yield f"calibration  {figures['ece']:.4f}   (expected error)"


def _classes(figures: Json) -> Iterator[str]:
    rows = figures["per_class"]
    if len(rows) > _CLASSES:
        rows = sorted(rows, key=lambda row: row["f1"])[:_CLASSES]
        yield f"the {_CLASSES} classes of lowest F1"
    yield f"{'class':<{_NAME}}  precision  recall      F1   images"
    for row in rows:
        yield (
            f"{_short(row['name']):<{_NAME}}  {row['precision']:>9.3f}"
            f"  {row['recall']:>6.3f}  {row['f1']:>6.3f}  {row['support']:>7,}"
        )


def _matrix(figures: Json) -> Iterator[str]:
    matrix, names = figures["confusion"], figures["class_names"]
    cell = max(4, *(len(str(count)) for row in matrix for count in row)) + 1
    if _NAME + cell * len(matrix) > _WIDTH:
        return
    numbers = "".join(f"{number:>{cell}}" for number in range(len(matrix)))
    yield f"{'true, then predicted':<{_NAME}}{numbers}"
    for number, (name, row) in enumerate(zip(names, matrix, strict=True)):
        counts = "".join(f"{count:>{cell}}" for count in row)
        yield f"{f'{number} {_short(name, _NAME - 3)}':<{_NAME}}{counts}"


def _pairs(figures: Json) -> Iterator[str]:
    pairs = figures["pairs"][:_FEW]
    if pairs:
        yield "most confused"
    for pair in pairs:
        yield f"{pair['count']:>7,}  {_short(pair['first'])} / {_short(pair['second'])}"


def _worst(figures: Json) -> Iterator[str]:
    mistakes = figures["worst"][:_FEW]
    if mistakes:
        yield "worst mistakes"
    for each in mistakes:
        names = f"{_short(each['true'])} taken for {_short(each['predicted'])}"
        yield f"{each['confidence']:>7.2%}  {names} (image {each['index']:,})"


def _short(name: str, width: int = _NAME) -> str:
    line = " ".join(name.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
