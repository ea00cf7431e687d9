"""What is asked for: refused where several are one string; and the folder that a build goes to by default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import edgeenc
from edgeenc.asked import folder_name, request_for
from edgeenc.errors import UsageError
from edgeenc.record.ask import Ask


@pytest.mark.parametrize(("given", "words"), [
    ({"corpus": "file.txt"}, r"corpus='file.txt': expected a tuple of strings, e.g. \('file.txt',\)"),
    ({"corpus": (Path("a"),)}, "corpus=.*: expected a tuple of strings"),
    ({"columns": "ab"}, "columns='ab': expected a tuple of strings"),
    ({"columns": ("a",)}, "columns=.*: expected two names"),
    ({"precisions": ("fp32", "int8")}, "precisions=.*: expected one value, not several"),
    ({"task": ["topic"]}, "task=.*: expected one value, not several"),
])  # fmt: skip
def test_one_string_for_several_and_several_for_one_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        edgeenc.Ask("tl", **given)


def named(ask: Ask) -> str:
    return folder_name(ask, request_for(ask, offline=True, plan_only=True))


def test_the_default_folder_of_a_plain_build_is_language_task_and_recipe() -> None:
    assert named(Ask("fil")) == named(Ask("tl", teacher="starter", precisions="fp32,int8")) == "tl-starter"
    assert named(Ask("tl", task="topic")) == "tl-topic-starter"
    assert named(Ask("tl", export_task="sentence-embedding")) == "tl-starter", "as the recipe says"
    assert named(Ask("tl", export_task="feature-extraction")) == "tl-starter-feature-extraction"
    assert named(Ask("sw+tl")) == "sw+tl-starter"


def test_builds_of_different_things_go_to_different_folders(tmp_path: Path) -> None:
    table = "text,label\n" + "".join(f"isa {n},{'ab'[n % 2]}\n" for n in range(60))
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "text.txt").write_text("".join(f"isa pang linya, bilang {n}\n" for n in range(3000)))
        (tmp_path / place / "data.csv").write_text(table)
    asked = [
        Ask("tl"), Ask("tl", export_task="fill-mask"), Ask("tl", precisions="fp32"),
        Ask("tl", precisions="int8"), Ask("tl", data_fraction=0.3), Ask("tl", data_fraction=0.5),
        Ask("tl", corpus=(str(tmp_path / "a/text.txt"),)), Ask("tl", corpus=(str(tmp_path / "b/text.txt"),)),
        Ask("tl", task="topic"), Ask("tl", task="topic", data=str(tmp_path / "a/data.csv")),
        Ask("tl", task="topic", data=str(tmp_path / "b/data.csv")), Ask("tl+sw"), Ask("tl:0.8+sw:0.2"),
        Ask("tl", teacher="random:google-bert/bert-base-multilingual-cased"), Ask("tl", recipe="trim-only"),
        Ask("tl", recipe="paper-mbert-312", random_teacher=True),
        Ask("tl", teacher="google-bert/bert-base-multilingual-cased", random_teacher=True),
        Ask("tl", teacher="FacebookAI/xlm-roberta-base", random_teacher=True),
    ]  # fmt: skip
    found = [named(ask) for ask in asked]
    assert len(set(found)) == len(asked), found
    assert all("/" not in name and ":" not in name for name in found)
