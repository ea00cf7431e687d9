"""The registry of what can be added: everything in a folder, each once, in the order of the files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeenc.kinds import added, modules_of, types_of, values_of


@dataclass
class Kind:
    """Something that can be added; not hashable."""

    name: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place = tmp_path / "kit_of_kinds"
    (place / "below").mkdir(parents=True)
    for path in (place, place / "below"):
        (path / "__init__.py").write_text("")
    (place / "zebra.py").write_text(f"from {__name__} import Kind\nONE = Kind('zebra')\nclass Striped(Kind): ...\n")
    (place / "ant.py").write_text(f"from {__name__} import Kind\nfrom {place.name}.zebra import ONE, Striped\n")
    (place / "bee.py").write_text(f"from {__name__} import Kind\nA, B, C = Kind('b'), Kind('a'), 'no kind'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Kind.__module__])
    return place.name


def test_a_folder_is_listed_without_loading_it(folder: str) -> None:
    assert modules_of(folder) == ("ant", "bee", "zebra")
    assert f"{folder}.bee" not in sys.modules


def test_every_value_and_every_class_is_found_once(folder: str) -> None:
    assert [kind.name for kind in values_of(folder, Kind)] == ["zebra", "b", "a"]
    assert values_of(folder, Kind) is values_of(folder, Kind)
    assert [kind.__name__ for kind in types_of(folder, Kind)] == ["Striped"]


def test_a_value_can_be_added_for_a_while(folder: str) -> None:
    with added(folder, Kind("toy")), added(folder, "no kind"):
        assert [kind.name for kind in values_of(folder, Kind)] == ["toy", "zebra", "b", "a"]
    assert [kind.name for kind in values_of(folder, Kind)] == ["zebra", "b", "a"]


def test_a_class_can_be_added_for_a_while(folder: str) -> None:
    class Spotted(Kind):
        """A kind of its own."""

    with added(folder, Spotted), added(folder, int), added(folder, Spotted("a value")):
        assert [kind.__name__ for kind in types_of(folder, Kind)] == ["Spotted", "Striped"]
    assert [kind.__name__ for kind in types_of(folder, Kind)] == ["Striped"]
