"""What annotation tools and spreadsheets export: lists in cells are read; what would be learnt wrongly is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeenc.errors import InputError
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec


def times(block: str) -> str:
    return "".join(block.replace("@", str(number)) for number in range(14))


def read(folder: Path, name: str, text: str, task: str = "ner", **fields: str) -> tuple[TaskData, list[str]]:
    (folder / name).write_text(text, encoding="utf-8")
    data, lines = read_task(TaskSpec.model_validate({"name": task, "data": str(folder / name), **fields}), 0)
    return data, list(lines)


@pytest.mark.parametrize(
    "row",
    [
        """"['Ana@', 'ay']","['B-PER', 'O']"\n""",
        """"[""Ana@"", ""ay""]","[""B-PER"", ""O""]"\n""",
        """"['Ana@' 'ay']","['B-PER' 'O']"\n""",
        """"['Ana@'\n 'ay']","[B-PER, O]"\n""",
    ],
)
def test_lists_in_cells_are_words_and_tags(tmp_path: Path, row: str) -> None:
    data, _ = read(tmp_path, "a.csv", "tokens,ner_tags\n" + times(row))
    found = {(item.words[0][:3], *item.words[1:], *item.labels) for part in data.parts.values() for item in part}
    assert found == {("Ana", "ay", "B-PER", "O")}


SPAN = {"start_offset": 0, "end_offset": 3, "label": "PER"}
STUDIO = {"data": {"text": "Ana ay"}, "annotations": [{"result": []}]}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "a.jsonl",
            json.dumps({"text": "Ana ay", "label": [[0, 3, "PER"]]}) + "\n",
            "line 1: spans by their",
        ),
        ("a.jsonl", json.dumps({"text": "Ana ay", "entities": [SPAN]}) + "\n", "export CoNLL, or write"),
        ("a.json", json.dumps([["Ana ay", {"entities": [[0, 3, "PER"]]}]]), "spans by their characters"),
        ("a.json", json.dumps([STUDIO, STUDIO], indent=1), "line 2: spans by their characters"),
        ("a.ann", "T1\tPER 0 3\tAna\n", "line 1: spans of brat"),
        (
            "a.csv",
            "sentence,word,tag\n" + times("@,Ana@,B-PER\n@,ay,O\n"),
            "line 2: 'tag' has tags of words",
        ),
        ("a.csv", times("Ana@,B-PER\nay,O\n\n"), r"line 1: '2' has tags of words, .* blank lines between sentences"),
        ("a.csv", "tokens,ner_tags\n" + times("Ana@ ay,b_per o\n"), "'ner_tags' has tags of words"),
    ],
)
def test_what_is_no_word_and_tag_is_refused_with_what_helps(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, name, text)


def test_parts_of_speech_one_a_row_are_refused_too(tmp_path: Path) -> None:
    table = "word,tag\n" + times("Ana@,PROPN\nay@,VERB\n")
    with pytest.raises(InputError, match="has tags of words"):
        read(tmp_path, "a.csv", table, "pos")
    assert read(tmp_path, "a.csv", table, "pos", kind="classify")[0].labels == ("PROPN", "VERB")


def test_doubtful_labels_are_said(tmp_path: Path) -> None:
    _, lines = read(tmp_path, "a.csv", "text,label\n" + times("a@,joy|fear\nb@,joy\nc@,fear\nd@,nan\n"), "mood")
    assert "labels that may say that there is none: nan; they are learnt as labels" in lines
    assert "labels that join others: joy|fear; each is learnt as one label, for a text has one" in lines
