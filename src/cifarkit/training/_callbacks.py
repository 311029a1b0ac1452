"""The callbacks of a user, looked at before the first phase."""

from typing import Any

import keras

from cifarkit._errors import InvalidArgument
from cifarkit.training._course import Course
from cifarkit.training._memories import check_named

_RATES = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def check_callbacks(callbacks: Any, course: Course, *, run_dir: Any) -> None:
    """Refuse callbacks that cannot do here what they are there for.

    Args:
        callbacks: what `fit` was given.
        course: what is trained, and how.
        run_dir: what `fit` was given.

    Raises:
        InvalidArgument: such a callback, or something else.
    """
    given = callbacks or ()
    if not isinstance(given, tuple | list):
        raise InvalidArgument(
            f"Expected callbacks as a list; received {callbacks!r}. "
            "Write callbacks=[one] for one."
        )
    kept = run_dir is not None
    for each in given:
        _check_kind(each)
        _check_swap(each, course)
        _check_backup(each, kept=kept)
        _check_file(each, once=len(course.phases) == 1 and not kept)
        check_named(each)
        _check_rate(each, course)


def _check_kind(callback: Any) -> None:
    if not isinstance(callback, keras.callbacks.Callback):
        raise InvalidArgument(
            f"Expected Keras callbacks; received {callback!r}. Derive it from "
            "keras.callbacks.Callback."
        )


def _check_swap(callback: Any, course: Course) -> None:
    averaged = any(each.weight_averaging is not None for each in course.phases)
    if averaged and isinstance(callback, keras.callbacks.SwapEMAWeights):
        raise InvalidArgument(
            "Expected no SwapEMAWeights beside weight_averaging, which validates and "
            "ends with the average by itself; received both. Leave the callback out."
        )


def _check_backup(callback: Any, *, kept: bool) -> None:
    if kept and isinstance(callback, keras.callbacks.BackupAndRestore):
        raise InvalidArgument(
            "Expected no BackupAndRestore beside run_dir, which goes on more exactly; "
            "received both. Leave the callback out."
        )


def _check_file(callback: Any, *, once: bool) -> None:
    """Refuse a file that is emptied whenever training begins, or goes on."""
    emptied = isinstance(callback, keras.callbacks.CSVLogger) and not callback.append
    if emptied and not once:
        raise InvalidArgument(
            "Expected CSVLogger(..., append=True), because each phase, and each "
            "process that goes on in a run_dir, opens the file anew; received "
            "append=False. cifarkit.tracking.csv counts epochs over both phases, too."
        )


def _check_rate(callback: Any, course: Course) -> None:
    if not isinstance(callback, _RATES):
        return
    for number, phase in enumerate(course.phases, start=1):
        if phase.schedule in ("cosine", "linear") and not phase.solved:
            raise InvalidArgument(
                f"Expected a rate that {type(callback).__name__} can set; that of "
                f"phase {number} follows schedule={phase.schedule!r}. Set its schedule "
                "to 'constant' (or 'plateau', without the callback)."
            )
