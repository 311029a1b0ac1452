"""The figures of the two-phase benchmark, for people."""

ROW = "{:<40} {:>12} {:>12} {:>9}".format


def table(figures):
    """Return a table of plain Keras against cifarkit, in seconds."""
    head, ratios = figures["phase_1"], figures["ratios"]
    lines = [
        ROW("", "plain Keras", "cifarkit", "ratio"),
        _timed("phase 1, one epoch", *_pair(head), ratios["phase_1_epoch"]),
        _timed(
            "phase 1, ten epochs and extraction",
            head["live_10_epochs_s"],
            head["cached_10_epochs_with_extraction_s"],
            ratios["phase_1_ten_epochs"],
        ),
        _timed(
            "the same, features kept by hand",
            head["by_hand_10_epochs_s"],
            head["cached_10_epochs_with_extraction_s"],
            ratios["phase_1_ten_epochs_by_hand"],
        ),
        *(
            _timed(
                f"phase 2, {last}, one epoch", *_pair(each), ratios[f"phase_2_{last}"]
            )
            for last, each in figures["phase_2"].items()
        ),
        *_reached(figures),
        ROW(
            "test accuracy",
            *map("{:.2%}".format, _sides(figures["final_accuracy"])),
            "",
        ),
        ROW(
            "peak memory, GiB",
            *(f"{each / 2**30:.2f}" for each in _sides(figures["peak_rss_bytes"])),
            "",
        ),
    ]
    return "\n".join(["", *lines, *_missed(figures)])


def _reached(figures):
    times, ratios = figures["time_to_90_24"], figures["ratios"]
    ours = times["cifarkit_s"]
    for name in ("published", "tuned"):
        what = f"until {figures['target']:.2%} on validation, {name}"
        yield _timed(what, times[f"{name}_s"], ours, ratios[f"time_to_90_24_{name}"])


def _missed(figures):
    """Say who did not get to the target."""
    for name, seconds in figures["time_to_90_24"].items():
        if seconds is None:
            who = name.removesuffix("_s")
            yield f"{who}: {figures['target']:.2%} on validation was not reached."


def _pair(each):
    return each["live_epoch_s"], each["cached_epoch_s"]


def _sides(each):
    return each["plain"], each["cifarkit"]


def _timed(what, slow, fast, ratio):
    return ROW(
        what,
        *("-" if each is None else f"{each:,.1f} s" for each in (slow, fast)),
        "-" if ratio is None else f"{ratio:.1f} x",
    )
