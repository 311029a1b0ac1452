"""A look at a network and its data before an hour is spent on training them.

Each finding has a code, and each code a paragraph in the documentation.
"""

from cifarkit.doctoring._doctor import doctor
from cifarkit.doctoring._finding import Diagnosis, Finding
from cifarkit.doctoring._twins import Twin, twins

__all__ = ["Diagnosis", "Finding", "Twin", "doctor", "twins"]
