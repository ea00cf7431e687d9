"""Tables as people have them: other layouts give the same rows, and what is no table is named with what helps."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from edgeenc.errors import InputError
from edgeenc.tasks import datatable
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.files import datafile, datatext
from edgeenc.tasks.forms import delimited
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec

PAIRS = [(f"salita {number}, oo", "ab"[number % 2]) for number in range(14)]
ROWS = [{"text": text, "label": label} for text, label in PAIRS]
BODY = "".join(f"{text};{label}\n" for text, label in PAIRS)


def read(path: Path, content: str | bytes, **fields: str) -> tuple[TaskData, list[str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    data, lines = read_task(TaskSpec.model_validate({"name": "mood", "data": str(path), **fields}), 0)
    return data, list(lines)


def pairs(data: TaskData) -> set[tuple[str, str]]:
    return {(item.words[0], item.labels[0]) for part in data.parts.values() for item in part}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "sep=;\ntext;label\n" + BODY),
        ("a.csv", '\ufeff"sep=;"\r\ntext;label\r\n' + BODY.replace("\n", "\r\n")),
        ("a.csv", '"text";"a,b,c,d";"label"\n' + BODY.replace(";", ";x;")),
        ("a.csv", "text|label\n" + BODY.replace(";", "|")),
        ("a.csv", "text;label;;\n" + BODY.replace("\n", ";;\n")),
        ("a.tsv", "text\tlabel\n" + BODY.replace(";", "\t")),
        ("a.tsv", "text;label\n" + BODY),
        ("a.txt", "text\tlabel\n" + BODY.replace(";", "\t")),
        ("reviews", "text\tlabel\n" + BODY.replace(";", "\t")),
        ("reviews", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.json", json.dumps({"version": 1, "data": ROWS}, indent=2)),
        ("a.json", json.dumps({"data": ROWS})),
        ("a.json", json.dumps({key: [row[key] for row in ROWS] for key in ("text", "label")})),
        ("a.json", json.dumps({key: {str(n): row[key] for n, row in enumerate(ROWS)} for key in ("text", "label")})),
        ("a.jsonl", "\n".join(json.dumps(row, indent=2) for row in ROWS)),
        ("a.jsonl", json.dumps(ROWS)),
    ],
)
def test_other_layouts_give_the_same_rows(tmp_path: Path, name: str, content: str) -> None:
    assert pairs(read(tmp_path / name, content)[0]) == set(PAIRS)


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ";"), ("a.tsv", "\t"), ("a.txt", "\t"), ("reviews", "\t")])
def test_without_a_header_columns_have_numbers(tmp_path: Path, name: str, delimiter: str) -> None:
    data, lines = read(tmp_path / name, BODY.replace(";", delimiter))
    assert pairs(data) == set(PAIRS) and "text column: 1, label column: 2" in lines[0]
    three = "".join(
        f"{number}{delimiter}{row}\n" for number, row in enumerate(BODY.replace(";", delimiter).split("\n")[:-1])
    )
    data, _ = read(tmp_path / name, three, text_column="2", label_column="3")
    assert pairs(data) == set(PAIRS)
    with pytest.raises(
        InputError, match=r"columns are 1 \(0\), 2 \(salita 0, oo\), 3 \(a\); say which with --text-column"
    ):
        read(tmp_path / name, three)


def test_a_header_of_other_names_says_that_numbers_help(tmp_path: Path) -> None:
    content = "komento;marka\n" + BODY
    with pytest.raises(InputError, match=r"columns are komento, marka; .* or their numbers \(1, 2, ...\) if the first"):
        read(tmp_path / "a.csv", content)
    assert pairs(read(tmp_path / "a.csv", content, text_column="komento", label_column="marka")[0]) == set(PAIRS)


def test_other_parts_of_a_table_without_header_have_none_too(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(BODY, encoding="utf-8")
    (tmp_path / "test.csv").write_text("bago;a\nluma;b\n", encoding="utf-8")
    data, _ = read_task(TaskSpec(name="mood", data=str(tmp_path)), 0)
    assert [item.words[0] for item in data.test] == ["bago", "luma"]


def test_cells_of_any_length(tmp_path: Path) -> None:
    long = "".join(f'"{"x" * 200_000} {number}",{"ab"[number % 2]}\n' for number in range(12))
    data, _ = read(tmp_path / "a.csv", "text,label\n" + long)
    assert min(len(text) for text, _ in pairs(data)) > 200_000


def test_numbers_are_classes_and_measures_are_refused(tmp_path: Path) -> None:
    body = "".join(f"a {number},{number % 2}.0\n" for number in range(14)) + "b,1\n"
    data, lines = read(tmp_path / "a.csv", "text,label\n" + body)
    assert data.labels == ("0", "1") and lines[1] == "labels such as 0.0 are read as 0"
    halves = "text,label\n" + "".join(f"a {number},{number % 4 / 2}\n" for number in range(60))
    assert read(tmp_path / "a.csv", halves)[0].labels == ("0.0", "0.5", "1.0", "1.5")
    measures = "text,label\n" + "".join(f"a {number},{number % 20 / 7:.3f}\n" for number in range(60))
    with pytest.raises(InputError, match=r"17 different labels with a fraction .* round them, or cut them into a few"):
        read(tmp_path / "a.csv", measures)


def zipped(*members: tuple[str, str]) -> bytes:
    """Return a zip file of members with their text."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, text in members:
            archive.writestr(name, text)
    return whole.getvalue()


def zstd(text: bytes) -> bytes:
    """Return text packed with zstd."""
    return pa.compress(text, "zstd", asbytes=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", gzip.compress(("text;label\n" + BODY).encode())),
        ("a.csv.zst", zstd(("text;label\n" + BODY).encode())),
        ("a.csv.zip", zipped(("folder/", ""), ("folder/any.csv", "text;label\n" + BODY))),
        ("a.zip", zipped(("__MACOSX/any.csv", "x"), ("any.csv", "text;label\n" + BODY))),
    ],
)
def test_a_packed_file_is_read_whatever_it_is_called(tmp_path: Path, name: str, content: bytes) -> None:
    plain = read(tmp_path / "plain.csv", "text;label\n" + BODY)
    assert read(tmp_path / name, content) == plain


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", ("text;label\n" + BODY).encode("utf-16"), "not UTF-8 but UTF-16; .*: iconv -f UTF-16 -t UTF-8 a.csv"),
        ("a.csv", ("text;label\n" + BODY).encode("utf-16-le"), "not UTF-8 but UTF-16"),
        ("a.csv", ("text;label\n" + BODY).encode("utf-32"), "not UTF-8 but UTF-32"),
        (
            "a.csv",
            ("text;label\nma\xf1ana;a\n").encode("cp1252"),
            "line 2: not UTF-8.* -f WINDOWS-1252",
        ),
        ("a.csv", "text;label\na\0;b\n", "line 2: a NUL character"),
        ("a.csv", "text;label;label\na;b;c\n", "line 1: a column name is given twice in .*: 'label'; rename one"),
        ("a.xlsx", zipped(("xl/a.xml", "<a/>"), ("xl/b.xml", "<a/>")), "an Excel sheet or a zip file of 2 files"),
        ("a.zip", b"PK\x03\x04", "cannot be read as a zip file"),
        ("a.csv", "<!DOCTYPE html>", "a web page, not the data"),
        ("a.jsonl", "version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        ("a.pkl", b"\x80\x04\x95", "a pickle, which is not read"),
        ("a.jsonl", "[" * 100_000, "line 1: JSON that is nested too deeply"),
        ("a.jsonl", '{"text":' + "[" * 100_000, "nested too deeply"),
        ("a.jsonl", '{"text": "a", "label": ' + "9" * 5000 + "}\n", "line 1: JSON that cannot be read"),
        ("a.jsonl", '{"text": "a", "text": "b"}\n', "'text' is there twice in one object"),
        ("a.jsonl", "null\n" + json.dumps(ROWS[0]), "line 1: an object such as"),
        ("a.json", json.dumps({"train": ROWS, "test": ROWS}), "several lists in one file .train, test.; write each"),
        ("a.json", json.dumps({"a": {"b": {"c": 1}}}), "without a list of examples; write one object a line"),
        ("a.json", json.dumps(ROWS, indent=2).replace('"salita 3', "salita 3"), "line 15: broken JSON"),
        ("a.jsonl", '{"text": "a \\ud800", "label": "x"}\n', "line 1: U.D800 in a text"),
        ("a.jsonl", '{"text": "a", "label": "x\\u001b[2J"}\n', "line 1: U.001B in a label"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path / name, content)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_parquet_with_notes_that_cannot_be_read(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([{"text": f"a {number}", "label": number % 2} for number in range(14)])
    path = tmp_path / "a.parquet"
    features = {"label": {"names": "ab", "_type": "ClassLabel"}}
    for note in (
        b"{",
        b"[]",
        b'{"info": 3}',
        b'{"info": {"features": []}}',
        json.dumps({"info": {"features": features}}),
    ):
        noted = note if isinstance(note, bytes) else note.encode()
        parquet.write_table(table.replace_schema_metadata({b"huggingface": noted}), path)
        assert read_task(TaskSpec(name="mood", data=str(path)), 0)[0].labels == ("0", "1")
    features = {"label": {"names": ["only"], "_type": "ClassLabel"}}
    noted = json.dumps({"info": {"features": features}}).encode()
    parquet.write_table(table.replace_schema_metadata({b"huggingface": noted}), path)
    with pytest.raises(InputError, match="row 2: 1 in 'label', for which the file gives 1 names only"):
        read_task(TaskSpec(name="mood", data=str(path)), 0)
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], names=["text", "label", "label"])
    parquet.write_table(twice, path)
    with pytest.raises(InputError, match="a column name is given twice: 'label'"):
        read_task(TaskSpec(name="mood", data=str(path)), 0)


def test_what_is_too_large_is_refused_before_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datatext, "MOST_BYTES", 1_000_000)
    with pytest.raises(InputError, match=r"more than 256 MB of data, or than 3,000,000 rows; .* give a part of it"):
        read(tmp_path / "a.csv.gz", gzip.compress(b"\0" * 5_000_000))
    monkeypatch.setattr(delimited, "MOST_ROWS", 10)
    monkeypatch.setattr(datatable, "MOST_ROWS", 10)
    for name, content in (("a.csv", "text;label\n" + BODY), ("a.json", json.dumps(ROWS))):
        with pytest.raises(InputError, match="3,000,000 rows"):
            read(tmp_path / name, content)
    assert datafile.MOST_ROWS == 3_000_000


def test_a_pipe_or_a_device_is_no_file(tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet", "pipe"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(InputError, match="no regular file"):
            read_task(TaskSpec(name="mood", data=str(tmp_path / name)), 0)
    with pytest.raises(InputError, match="no regular file"):
        read_task(TaskSpec(name="mood", data="/dev/zero"), 0)
    for typed in ("a\0b", "\udcff"):
        with pytest.raises(InputError, match="no such file or folder"):
            read_task(TaskSpec(name="mood", data=typed), 0)
