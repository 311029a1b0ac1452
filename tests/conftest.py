"""Settings that every test runs under."""

import os
import sys

import hypothesis
import pytest

# Timings on shared machines vary too much for a deadline to mean anything. A judge
# gives the same verdict on the same commit; at work, every run draws new examples.
hypothesis.settings.register_profile(
    "house", deadline=None, print_blob=True, derandomize="CI" in os.environ
)
hypothesis.settings.load_profile("house")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture
def uncompiled():
    """Run steps as Python: where there are few, compiling would take all the time."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Let every test draw the same numbers, whichever tests ran before it."""
    if (keras := sys.modules.get("keras")) is not None:
        keras.utils.set_random_seed(0)
