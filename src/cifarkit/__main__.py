"""`python -m cifarkit` is the command line."""

import sys

from cifarkit.cli import main

sys.exit(main())
