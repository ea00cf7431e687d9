"""What is typed for a task is read, or refused in a line that names the option: never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeenc.cli import cli
from edgeenc.errors import UsageError
from edgeenc.tasks.spec import asked_spec, require_task_name


@pytest.mark.parametrize(
    ("typed", "safe"),
    [
        ("Mood", "mood"),
        ("my mood", "my-mood"),
        ("a/b", "a-b"),
        ("ötzi", "otzi"),
        ("", "mood"),
        ("../up", "up"),
        ("情感", "mood"),
        ("a\udcff", "a"),
        ("a\0b", "a-b"),
        ("mood\n", "mood"),
        ("m" * 300, "m" * 40),
    ],
)
def test_a_name_that_is_none_is_refused_with_one_that_is(typed: str, safe: str) -> None:
    with pytest.raises(UsageError, match=f"write --task {safe}$") as caught:
        require_task_name(typed)
    assert caught.value.exit_code == 2 and len(str(caught.value)) < 250
    require_task_name(safe)


@pytest.mark.parametrize("typed", ["Mood", "my mood", "a/b", "ötzi", ""])
def test_the_command_says_it_in_a_line(typed: str, tmp_path: Path) -> None:
    asked = ["plan", "--lang", "tl", "--store", str(tmp_path), "--task", typed, "--data", "x.csv"]
    result = CliRunner().invoke(cli, asked)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(f"--task {typed!r}: a task is named in")


def test_other_values_that_cannot_be_read_name_their_option() -> None:
    for field, option in {"data": "--data", "text_column": "--text-column", "label_column": "--label-column"}.items():
        with pytest.raises(UsageError, match=f"^{option} '7': Input should be"):
            asked_spec({"name": "mood", "data": "x.csv"} | {field: 7})


def test_empty_data_is_not_the_data_of_the_language(tmp_path: Path) -> None:
    asked = ["plan", "--lang", "tl", "--store", str(tmp_path), "--task", "topic", "--data", ""]
    result = CliRunner().invoke(cli, asked)
    assert isinstance(result.exception, UsageError) and "--data ''" in str(result.exception)


def test_the_plan_says_what_was_found_in_the_data(tmp_path: Path) -> None:
    asked = ["plan", "--lang", "tl", "--store", str(tmp_path), "--task", "topic"]
    said = "topic: text column: "
    assert CliRunner().invoke(cli, asked).output.startswith(said)
    assert json.loads(CliRunner().invoke(cli, [*asked, "--json"]).output)["task"]["said"][0].startswith(said)
