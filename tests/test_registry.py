"""Tables of names, and optional dependencies."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cifarkit._errors import CifarkitError, InvalidArgument, MissingExtra, UnknownName
from cifarkit._extras import require
from cifarkit._registry import Registry

NAMES = st.lists(st.text("abcdefgh", min_size=4, max_size=10), min_size=1, unique=True)


@given(NAMES)
def test_what_is_added_is_what_is_found(names):
    """Every name gives back its own value, in the order of adding."""
    registry = Registry("thing", listing="things()")
    for index, name in enumerate(names):
        registry.add(name, index)
    assert registry.names() == tuple(names)
    assert [registry.get(name) for name in names] == list(range(len(names)))


@given(NAMES)
def test_nothing_is_overwritten(names):
    """Adding a name twice is an error, and the first value stays."""
    registry = Registry("thing", listing="things()")
    registry.add(names[0], 1)
    with pytest.raises(InvalidArgument, match="taken"):
        registry.add(names[0], 2)
    assert registry.get(names[0]) == 1


@given(st.data(), st.sampled_from(["mobilenetv2", "resnet50", "densenet121"]))
def test_a_near_miss_names_the_right_one(data, name):
    """Leaving out one letter still finds the name that was meant."""
    registry = Registry("backbone", listing="backbones.names()")
    for each in ("mobilenetv2", "resnet50", "densenet121"):
        registry.add(each, each)
    cut = data.draw(st.integers(0, len(name) - 1))
    miss = name[:cut] + name[cut + 1 :]
    assume(miss != name)
    with pytest.raises(UnknownName) as caught:
        registry.get(miss)
    assert f"Did you mean {name!r}?" in str(caught.value)
    assert "backbones.names()" in str(caught.value)
    assert isinstance(caught.value, ValueError | LookupError)


def test_a_missing_extra_names_the_pip_line():
    """The error of an absent dependency is the command that mends it."""
    with pytest.raises(MissingExtra, match=r"pip install 'cifarkit\[viz\]'"):
        require("surely_not_installed.part", extra="viz")


def test_a_fault_inside_a_dependency_is_passed_on(tmp_path, monkeypatch):
    """An import error inside an installed package is not called an absence."""
    (tmp_path / "broken_package.py").write_text("import surely_not_installed_either")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError) as caught:
        require("broken_package", extra="viz")
    assert not isinstance(caught.value, CifarkitError)
