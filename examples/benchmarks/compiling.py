"""How long JAX has traced and compiled, so that it can be told apart from training."""

import time

import keras

_EVENTS = "/jax/core/compile/"
_spans = []


def watch():
    """Note from now on when JAX compiles; other backends do not say."""
    if keras.backend.backend() == "jax" and not _spans:
        import jax

        _spans.append((0.0, 0.0))
        jax.monitoring.register_event_duration_secs_listener(_note)


def compiled():
    """Return the seconds of compiling since `watch`; None where that is not known."""
    return union(_spans) if _spans else None


def union(spans):
    """Return how much time spans cover; what lies in another counts once."""
    total, reached = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total


def _note(event, seconds, **_):
    if event.startswith(_EVENTS):
        now = time.perf_counter()
        _spans.append((now - seconds, now))
