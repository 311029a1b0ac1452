"""Settings that every test runs under."""

import os

import hypothesis

# Timings on shared machines vary too much for a deadline to mean anything.
hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.load_profile("house")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
