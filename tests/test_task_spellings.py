"""Tags of spans in every spelling that people use become IOB2 and are said, or are refused with line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeenc.errors import InputError
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.tags.spellings import spell, spelt


def read(folder: Path, tags: str, task: str = "ner", **fields: str) -> tuple[TaskData, list[str]]:
    """Read fourteen sentences with these tags, whose words differ."""
    blocks = ("".join(f"w{at}x{place} {tag}\n" for place, tag in enumerate(tags.split())) for at in range(14))
    (folder / "a.txt").write_text("\n".join(blocks), encoding="utf-8")
    data, lines = read_task(TaskSpec.model_validate({"name": task, "data": str(folder / "a.txt"), **fields}), 0)
    return data, list(lines)


@pytest.mark.parametrize(
    ("tags", "expected", "said"),
    [
        ("b-per i-per o b-loc", "B-per I-per O B-loc", "'b-loc' as 'B-loc', 'b-per' as 'B-per', 'i-per' as 'I-per'"),
        ("B_PER I_PER O B_LOC", "B-PER I-PER O B-LOC", "'B_LOC' as 'B-LOC'"),
        ("B:PER I:PER O B:LOC", "B-PER I-PER O B-LOC", "'B:LOC' as 'B-LOC'"),
        ("B/PER I/PER O B/LOC", "B-PER I-PER O B-LOC", "'B/LOC' as 'B-LOC'"),
        ("B\u2013PER I\u2013PER O O", "B-PER I-PER O O", "as 'B-PER'"),
        ("PER-B PER-I O LOC-B", "B-PER I-PER O B-LOC", "'LOC-B' as 'B-LOC'"),
        ("PER_B PER_I O LOC_B", "B-PER I-PER O B-LOC", "'LOC_B' as 'B-LOC'"),
        ("per-s org-b org-e o", "B-per B-org I-org O", "'org-b' as 'B-org', 'org-e' as 'E-org' and 1 more"),
        ("B-PER PER_I O b-loc", "B-PER I-PER O B-loc", "'PER_I' as 'I-PER', 'b-loc' as 'B-loc'"),
        ("B-PER I-per O B-PER", "B-PER I-PER O B-PER", "'I-per' as 'I-PER'"),
        ("B-PER I-PER _ _ _ _", "B-PER I-PER O O O O", "'_' as 'O'"),
        ("B-PER I-PER 0 0", "B-PER I-PER O O", "'0' as 'O'"),
        ("B-PER I-PER OUT OUT", "B-PER I-PER O O", "'OUT' as 'O'"),
        ("B I O B", "B-SPAN I-SPAN O B-SPAN", "'B' as 'B-SPAN', 'I' as 'I-SPAN'"),
        (
            "PER PER O LOC",
            "B-PER I-PER O B-LOC",
            "the tags are IO, without B- or I-: neighbours of one type are one span",
        ),
        ("TERM TERM O O", "B-TERM I-TERM O O", "the tags are IO"),
        ("I_PER I_PER B_PER O", "B-PER I-PER B-PER O", "the tags are IOB1; they are converted to IOB2"),
        ("B_PER L_PER U_LOC O", "B-PER I-PER B-LOC O", "the tags are BILOU; they are converted to IOB2"),
        ("B_PER W_LOC E_PER M_PER O", None, "the tags are BMEWO; they are converted to IOB2"),
        (
            "O I_PER I_PER B_LOC B_LOC",
            "O B-PER I-PER B-LOC B-LOC",
            "begin without B-: 14 of 70 tags, written as B-: a.txt: line 2",
        ),
    ],
)
def test_each_spelling_is_read_and_said(tmp_path: Path, tags: str, expected: str | None, said: str) -> None:
    data, lines = read(tmp_path, tags)
    assert said in "\n".join(lines[1:])
    if expected:
        assert {item.labels for part in data.parts.values() for item in part} == {tuple(expected.split())}
    assert all(label == "O" or label[:2] in ("B-", "I-") for label in data.labels)
    asis, _ = read(tmp_path, tags, metric="token_accuracy")
    assert set(asis.labels) == set(tags.split())


def test_by_hand() -> None:
    assert spelt(["b-per", "PER_I", "O"]) == {"b-per": "B-per", "PER_I": "I-PER"}
    assert spelt(["NOUN", "VERB", "O"]) == {} and spelt(["N-S", "V-S"]) == {}
    assert spell({"B-per": 1, "I-PER": 3, "O": 9}) == {"B-per": "B-PER", "I-PER": "I-PER", "O": "O"}


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (
            "B-PER PER O LOC",
            r"28 of 56 tags do not mark spans as the others do: a.txt: line 2 .*write the tags",
        ),
        ("B_PER LOC PER O", r"a.txt: line 2 \('w0x1', 'LOC'\)"),
        ("(PER* *) * (ORG)", r"tags in brackets such as .* \(CoNLL-2012, Entity=\); write the tags in IOB2"),
        ("(e1-person e1) _ (e2-place)", r"tags in brackets such as .*; write the tags in IOB2"),
        ("B_PER E_PER L_LOC O", "tags with B-, E-, L- are of no one scheme; write the tags in IOB2"),
    ],
)
def test_what_is_of_two_minds_is_refused(tmp_path: Path, tags: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, tags)


@pytest.mark.parametrize("tags", ["NOUN VERB ADJ X", "N V O A A A", "A B", "VA VB O-x"])
def test_other_tags_stay_as_they_are(tmp_path: Path, tags: str) -> None:
    data, _ = read(tmp_path, tags, "words")
    assert set(data.labels) == set(tags.split())


@pytest.mark.parametrize("tags", ["b-per i-per o", "PER-B PER-I O", "B_PER I_PER O", "PER PER O"])
def test_no_spelling_is_taken_for_parts_of_speech(tmp_path: Path, tags: str) -> None:
    with pytest.raises(InputError, match=r"no column of parts of speech .* only 'tags' .named entities."):
        read(tmp_path, tags, "pos")


@pytest.mark.parametrize("tags", ["NOUN VERB PUNCT", "NNP VBZ .", "noun verb"])
def test_parts_of_speech_are_no_entities(tmp_path: Path, tags: str) -> None:
    with pytest.raises(InputError, match=r"no column of named entities .* only 'tags' .*--label-column"):
        read(tmp_path, tags)
    _, lines = read(tmp_path, tags, label_column="tags")
    assert "column 'tags' holds parts of speech, for a task called 'ner'" in lines[1]


def test_a_word_with_a_hash_that_alone_has_a_tag_of_spans_is_no_comment(tmp_path: Path) -> None:
    sentence = "#Ana{0}x B-PER\n# note {0}\ngoes{0}x O\nhome{0}x O\n\n"
    (tmp_path / "a.conll").write_text("".join(sentence.format(at) for at in range(20)), encoding="utf-8")
    data, _ = read_task(TaskSpec(name="ner", data=str(tmp_path / "a.conll")), 0)
    assert {label for item in data.train for label in item.labels} == {"B-PER", "O"}
    assert {item.words[0][:4] for item in data.train} == {"#Ana"}
    assert {len(item.words) for item in data.train} == {3}
