"""Tagged files as people publish them: each is read as it is meant, or refused with its line; the examples are ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeenc.errors import InputError
from edgeenc.record.steps import TagTally, TaskFigures
from edgeenc.screen.build_lines import note
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.tags.schemes import as_iob2

CLASSIC = "-DOCSTART- -X- -X- O\n\n"


def times(block: str, count: int = 14) -> str:
    """Return sentences that differ in the place of `@`."""
    return "".join(block.replace("@", str(number)) for number in range(count))


NER = times("Kenya@ B-LOC\nni O\nnchi O\n\n")
CONLL = CLASSIC + times("EU@ NNP B-NP I-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP I-MISC\n\n")
UNIVERSAL = times(
    "# sent_id = @\n# text = a\tb\n1-2\tdel\t_\t_\t_\n1\tAna@\tB-PER\t-\tjb\n2\tde\tO\t-\tjb\n3\t#\tO\t-\tjb\n\n"
)
TREE = times(
    "# text = a\tb\n"
    "1-2\tdel\t_\t_\t_\t_\t_\t_\t_\t_\n1\tAna@\t_\tPROPN\t_\tCase=Nom\t_\t_\t_\tNER=B-PER|SpaceAfter=No\n"
    "2\tde\t_\tADP\t_\t_\t_\t_\t_\tNER=O\n2.1\tx\t_\tADP\t_\t_\t_\t_\t_\t_\n3\t#\t_\tSYM\t_\t_\t_\t_\t_\tNER=O\n\n"
)


def read(folder: Path, text: str, name: str = "a.txt", task: str = "ner", **fields: str) -> tuple[TaskData, list[str]]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    data, lines = read_task(TaskSpec.model_validate({"name": task, "data": str(path), **fields}), 0)
    return data, list(lines)


def sentences(data: TaskData) -> list[Item]:
    return [item for part in data.parts.values() for item in part]


def test_a_stray_tag_starts_a_span_and_is_shown_with_its_line(tmp_path: Path) -> None:
    data, lines = read(tmp_path, NER + "ya O\nNairobi I-LOC\nCity I-LOC\nleo I-DATE\n\n")
    assert Item(("ya", "Nairobi", "City", "leo"), ("O", "B-LOC", "I-LOC", "B-DATE")) in sentences(data)
    assert (
        "spans that begin without B-: 2 of 46 tags, written as B-: a.txt: line 58 ('Nairobi', 'I-LOC'), a.txt:"
        in lines[1]
    )
    assert data.tally == TagTally(scheme="IOB2", strays=2, empty=0, prefixed=0)
    figures = TaskFigures(train=1, validation=1, test=1, labels=("O",), metric="span_f1", tags=data.tally)
    assert note(figures) == "2 spans begin without B-"


def test_many_strays_are_three_and_a_count(tmp_path: Path) -> None:
    _, lines = read(tmp_path, NER + "ya O\nNairobi I-LOC\n\n" * 9)
    assert lines[1].count("Nairobi") == 3 and lines[1].endswith("and 6 more")


@pytest.mark.parametrize(
    ("scheme", "tags", "expected"),
    [
        ("IOB1", "I-PER I-PER B-PER O I-LOC", "B-PER I-PER B-PER O B-LOC"),
        ("IOBES", "B-PER E-PER S-PER O S-LOC", "B-PER I-PER B-PER O B-LOC"),
        ("BILOU", "B-PER L-PER U-PER O U-LOC", "B-PER I-PER B-PER O B-LOC"),
        ("BMES", "B-PER M-PER E-PER O S-LOC", "B-PER I-PER I-PER O B-LOC"),
    ],
)
def test_schemes_are_recognised_converted_and_said(tmp_path: Path, scheme: str, tags: str, expected: str) -> None:
    block = "".join(f"w{place}@ {tag}\n" for place, tag in enumerate(tags.split()))
    data, lines = read(tmp_path, times(block + "\n"))
    assert all(item.labels == tuple(expected.split()) for item in sentences(data))
    assert lines[1:] == [f"the tags are {scheme}; they are converted to IOB2"]
    assert data.tally is not None and (data.tally.scheme, data.tally.strays) == (scheme, 0)
    figures = TaskFigures(train=1, validation=1, test=1, labels=("O",), metric="span_f1", tags=data.tally)
    assert note(figures) == f"{scheme} converted to IOB2"


def test_by_hand_and_what_is_iob2_stays() -> None:
    assert as_iob2("I-PER E-PER O S-LOC I-LOC".split()) == (("B-PER", "I-PER", "O", "B-LOC", "B-LOC"), (0, 4))
    kept = ("B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-PER")
    assert as_iob2(kept) == (kept, ())


def test_tags_of_no_scheme_and_a_few_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tags with B-, E-, L- are of no one scheme; write the tags in IOB2"):
        read(tmp_path, times("a@ B-X\nb L-X\nc B-Y\nd E-Y\ne O\n\n"))
    text = NER + "1487 Doctors'I-ORG\nNairobi B-LOC\n\n"
    with pytest.raises(InputError, match=r"1 of 44 tags do not mark spans .* line 57 \('1487', \"Doctors'I-ORG\"\)"):
        read(tmp_path, text)
    data, lines = read(tmp_path, text, metric="token_accuracy")
    assert "Doctors'I-ORG" in {label for item in sentences(data) for label in item.labels} and len(lines) <= 2


def same(words: tuple[str, ...], labels: tuple[str, ...]) -> Callable[[TaskData], bool]:
    return lambda data: Item(words, labels) in sentences(data)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (NER + "ya   O  \nNairobi B-LOC \n", same(("ya", "Nairobi"), ("O", "B-LOC"))),
        (NER + "1\u00a0000 O\nNai\u3000robi B-LOC\n", same(("1\u00a0000", "Nai\u3000robi"), ("O", "B-LOC"))),
        (NER + "ya\tO\nNairobi B-LOC\n", same(("ya", "Nairobi"), ("O", "B-LOC"))),
        (NER.replace(" ", "\t") + "ya O\nNairobi\tB-LOC\n", same(("ya", "Nairobi"), ("O", "B-LOC"))),
        (NER.replace(" ", "\t") + "New York\tB-LOC\n", same(("New York",), ("B-LOC",))),
        (NER + "#EndSARS B-LOC\n# O\nNairobi B-LOC\n", same(("#EndSARS", "#", "Nairobi"), ("B-LOC", "O", "B-LOC"))),
        ("# id = 1\n# text = a b\n" + NER + "# id = 2\n#Tag O\nya O\n", same(("#Tag", "ya"), ("O", "O"))),
        ("#\thttp://x\t[2009]\n" + NER.replace(" ", "\t") + "# x\ty\nya\tO\n", same(("ya",), ("O",))),
        (NER + " O\nNairobi B-LOC\n", same(("Nairobi",), ("B-LOC",))),
        (NER + "\u3000 B-LOC\nNairobi I-LOC\n", same(("Nairobi",), ("B-LOC",))),
        ("\ufeff" + NER.replace("\n", "\r\n"), same(("Kenya0", "ni", "nchi"), ("B-LOC", "O", "O"))),
        (NER.replace("\n", "\r"), same(("Kenya0", "ni", "nchi"), ("B-LOC", "O", "O"))),
        (NER + "[ O\n\n", same(("[",), ("O",))),
        ("[ O\n" + NER, same(("[", "Kenya0", "ni", "nchi"), ("O", "B-LOC", "O", "O"))),
    ],
    ids=[
        *(
            "spaces at the end",
            "no-break space",
            "one tab",
            "one space",
            "space in a word",
            "hashes",
            "comments and hashes",
        ),
        *("comments with tabs", "empty word", "blank word", "CRLF and BOM", "CR", "a bracket", "a bracket first"),
    ],
)
def test_lines_as_they_come(tmp_path: Path, text: str, holds: Callable[[TaskData], bool]) -> None:
    assert holds(read(tmp_path, text)[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            NER + "ya\nNairobi B-LOC\nx\n",
            "line 57: 1 cells, but most lines have 2; .*; 1 more such lines, the next is 59",
        ),
        (NER + "ya O\n#EndSARS\nNairobi B-LOC\n", "line 58: 1 cells, but most lines have 2"),
        (NER + "New York B-LOC\n", "line 57: 3 cells, but most lines have 2"),
        (NER.replace(" ", "\t") + "New York\n", "line 57: 1 cells, but most lines have 2"),
        (NER + "a\0 O\n", "line 57: a NUL character"),
    ],
)
def test_lines_that_cannot_be_read_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "name", "task", "columns", "labels"),
    [
        (CONLL, "eng.train", "ner", "text column: 1, label column: 4", {"B-ORG", "B-MISC", "O"}),
        (CONLL, "eng.conll", "chunk", "text column: 1, label column: 3", {"B-NP", "B-VP"}),
        (UNIVERSAL, "a.iob2", "ner", "text column: 2, label column: 3", {"B-PER", "O"}),
        (TREE, "a.conllu", "ner", "text column: form, label column: misc.NER", {"B-PER", "O"}),
        (TREE.replace("NER=O", "_"), "a.conllu", "ner", "text column: form, label column: misc.NER", {"B-PER", "O"}),
        (TREE, "a.conllu", "pos", "text column: form, label column: upos", {"PROPN", "ADP", "SYM"}),
        (TREE, "train", "pos", "text column: form, label column: upos", {"PROPN", "ADP", "SYM"}),
        (TREE, "train.txt", "pos", "text column: form, label column: upos", {"PROPN", "ADP", "SYM"}),
        (
            "token\tner\n" + NER.replace(" ", "\t"),
            "a.tsv",
            "ner",
            "text column: token, label column: ner",
            {"B-LOC", "O"},
        ),
        (times('Pesa@ NOUN\nma DET\n"""" PUNCT\n\n'), "a.txt", "pos", "label column: tags", {"NOUN", "DET", "PUNCT"}),
        (times("Mearns@ LEXICON\nof O\n\n"), "a.txt", "ner", "label column: tags", {"B-LEXICON", "O"}),
    ],
)
def test_columns_are_found_by_what_they_hold(
    tmp_path: Path, text: str, name: str, task: str, columns: str, labels: set[str]
) -> None:
    data, lines = read(tmp_path, text, name, task)
    assert columns in lines[0] and set(data.labels) == labels
    assert "del" not in {word for item in sentences(data) for word in item.words}


@pytest.mark.parametrize(
    ("text", "name", "task", "words"),
    [
        (TREE.replace("NER=", "X="), "a.conllu", "mood-ner", None),
        (
            TREE.replace("NER=O", "_").replace("NER=B-PER|", ""),
            "a.conllu",
            "ner",
            "only 'upos' .parts of speech.; .*misc.Sp",
        ),
        (
            times("Ana@ PROPN\nay VERB\n\n"),
            "a.txt",
            "ner",
            "no column of named entities for a task called 'ner', only 'tags'",
        ),
        (times("Ana@ NNP\nis VBZ\n\n"), "a.txt", "ner", "no column of named entities"),
        (
            times("Ana@ NNP B-NP\nis VBZ B-VP\n\n"),
            "a.conll",
            "ner",
            "columns are 1 .Ana0., 2 .NNP., 3 .B-NP.; say which",
        ),
        (NER, "a.txt", "pos", "no column of parts of speech for a task called 'pos', only 'tags' .named entities."),
        (
            CONLL.replace(" NNP ", " sb ").replace(" VBZ ", " v ").replace(" JJ ", " a "),
            "eng.train",
            "pos",
            "columns are 1 .EU0., 2 .sb., 3 .B-NP., 4 .I-ORG.; say which with --text-column",
        ),
        (times("Ana@ NNP\nis VBZ\n\n"), "a.txt", "chunk", "no column of chunks"),
    ],
)
def test_a_task_never_gets_another_column(tmp_path: Path, text: str, name: str, task: str, words: str | None) -> None:
    if words is None:
        assert "label column: misc.X" in read(tmp_path, text, name, task)[1][0]
        return
    with pytest.raises(InputError, match=words):
        read(tmp_path, text, name, task)


def test_a_column_that_is_named_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path, CONLL, "eng.conll", label_column="2")[0].labels == ("JJ", "NNP", "VBZ")
    assert read(tmp_path, TREE, "a.conllu", label_column="upos")[0].labels == ("ADP", "PROPN", "SYM")
    assert "Nom" in read(tmp_path, TREE, "a.conllu", "case", label_column="feats.Case")[0].labels
    with pytest.raises(
        InputError, match=r"no column 'misc\.NO'; .*, also feats\.Case, misc\.NER, misc\.SpaceAfter; say"
    ):
        read(tmp_path, TREE, "a.conllu", label_column="misc.NO")


def test_spans_of_the_type_o_are_outside(tmp_path: Path) -> None:
    data, _ = read(tmp_path, UNIVERSAL + "1\ta\tB-O\t-\tx\n", "a.iob2")
    assert data.labels == ("B-PER", "O")


def test_wikiann_as_published(tmp_path: Path) -> None:
    block = "tl:Ana@\tB-PER\ntl:ay\tO\ntl::\tO\n\n"
    for name in ("train", "dev", "test", "extra"):
        read_text = times(block.replace("Ana", f"Ana{name}"), 12) + "tl:\tO\ntl:x\tO\n\n"
        (tmp_path / name).write_text(read_text, encoding="utf-8")
    data, lines = read_task(TaskSpec(name="ner", data=str(tmp_path)), 0)
    assert [len(part) for part in data.parts.values()] == [13, 13, 13]
    assert data.train[0] == Item(("Anatrain0", "ay", ":"), ("B-PER", "O", "O")) and data.train[-1].words == ("x",)
    assert lines[1] == "a language stands before each of 114 words (as tl: in WikiANN), and is taken off"
    assert lines[2].startswith("empty words, left out: 3 of 114: ") and lines[2].count("line 49 ('', 'O')") == 3


def test_the_parts_of_conll_2003_have_their_own_names(tmp_path: Path) -> None:
    for name, count in (("eng.train", 20), ("eng.testa", 5), ("eng.testb", 6)):
        (tmp_path / name).write_text(CLASSIC + times("EU@ NNP B-NP I-ORG\nrejects VBZ B-VP O\n\n", count))
    data, lines = read_task(TaskSpec(name="ner", data=str(tmp_path)), 0)
    assert [len(part) for part in data.parts.values()] == [20, 5, 6] and "parts as in the source" in lines[0]


def test_spaces_that_conllu_notes_are_those_of_the_text(tmp_path: Path) -> None:
    data, _ = read(tmp_path, TREE, "a.conllu", "pos")
    assert {item.spaces for item in (*data.train, *data.validation, *data.test)} == {(True, False, True)}
    silent, _ = read(tmp_path, TREE.replace("|SpaceAfter=No", ""), "b.conllu", "pos")
    assert {item.spaces for item in silent.train} == {()}
