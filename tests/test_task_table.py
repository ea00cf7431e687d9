"""Data files as tables: every format gives the same rows, and every mistake is named with its place."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from edgeenc.errors import InputError
from edgeenc.tasks.datatable import read_table

ROWS = (
    {"text": 'Sabi niya, "oo"; tapos\numalis', "label": "pos"},
    {"text": "Ayaw\u2028ko\tnito", "label": "neg"},
    {"text": " # hindi komento ", "label": "neg"},
)
SENTENCES = ({"tokens": ["Si", "Ana", "#"], "tags": ["O", "B-PER", "O"]}, {"tokens": ["Oo"], "tags": ["O"]})
CONLLU = """# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tvamos\tir\tVERB\t_\t_\t_\t_\t_\t_
3\tmar azul\tmar\tNOUN\t_\t_\t1\tobl\t_\t_

1\tSí\tsí\tINTJ\t_\t_\t0\troot\t_\t_
"""


def write(path: Path, text: str) -> Path:
    raw = text.encode()
    packed = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix)
    path.write_bytes(packed(raw) if packed else raw)
    return path


def delimited(delimiter: str) -> str:
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([["text", "label"], *[[row["text"], row["label"]] for row in ROWS]])
    return out.getvalue()


def json_lines(rows: tuple[dict, ...] = ROWS) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", delimited(",")),
        ("semicolons.csv", delimited(";")),
        ("a.TSV.gz", delimited("\t")),
        ("a.jsonl", json_lines()),
        ("bom.jsonl", "\ufeff" + json_lines()),
        ("a.jsonl.xz", json_lines()),
        ("a.ndjson.gz", json_lines() + "\n"),
        ("a.json", json.dumps(ROWS)),
        ("lines.json", json_lines()),
    ],
)
def test_every_text_format_gives_the_same_rows(tmp_path: Path, name: str, text: str) -> None:
    table = read_table(write(tmp_path / name, text))
    assert (table.columns, table.rows) == (("text", "label"), ROWS)


def test_rows_know_their_lines(tmp_path: Path) -> None:
    assert read_table(write(tmp_path / "a.csv", delimited(","))).lines == (2, 4, 5)
    assert read_table(write(tmp_path / "a.jsonl", "\n" + json_lines())).lines == (2, 3, 4)


def test_tsv_with_stray_quotes_is_read_as_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"oo\tpos\nhindi"\tneg\n')
    assert [row["text"] for row in read_table(path).rows] == ['"oo', 'hindi"']


def test_parquet_rows_and_the_names_of_labels(tmp_path: Path) -> None:
    features = {
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
        "ner_tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}, "_type": "Sequence"},
        "pos_tags": [{"names": ["NOUN"], "_type": "ClassLabel"}],
        "text": {"dtype": "string", "_type": "Value"},
    }
    rows = [{"text": "a b", "label": 1, "ner_tags": [0, 1], "pos_tags": [0, 0]}]
    noted = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    table = pa.Table.from_pylist(rows).replace_schema_metadata(noted)
    parquet.write_table(table, tmp_path / "a.parquet")
    read = read_table(tmp_path / "a.parquet")
    assert read.rows == tuple(rows) and read.columns == ("text", "label", "ner_tags", "pos_tags")
    assert read.names == {"label": ("neg", "pos"), "ner_tags": ("O", "B-PER"), "pos_tags": ("NOUN",)}
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "plain.parquet")
    assert read_table(tmp_path / "plain.parquet").names == {}


def test_parquet_as_the_library_datasets_writes_it(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER"])),
        }
    )
    rows = {"tokens": [["Si", "Ana"]], "ner_tags": [[0, 1]]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "train.parquet"))
    table = read_table(tmp_path / "train.parquet")
    assert table.rows == ({"tokens": ["Si", "Ana"], "ner_tags": [0, 1]},)
    assert table.names == {"ner_tags": ("O", "B-PER")}


def test_conllu_has_words_only(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.conllu.gz", CONLLU.replace("\n", "\r\n")))
    assert [row["form"] for row in table.rows] == [["Vamos", "nos", "mar azul"], ["Sí"]]
    assert [row["upos"] for row in table.rows] == [["VERB", "PRON", "NOUN"], ["INTJ"]]
    assert table.lines == (1, 9)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.conll", "# text = Si Ana\nSi\tO\nAna\tB-PER\n#\tO\n\n\nOo\tO\n"),
        ("a.iob2", "-DOCSTART- O\n\nSi O\nAna B-PER\n# O\n\nOo O"),
        ("a.txt", "Si O\nAna B-PER\n# O\n\nOo O\n\n"),
        ("a.tsv", "Si\tO\nAna\tB-PER\n#\tO\n\nOo\tO\n"),
    ],
)
def test_plain_columns(tmp_path: Path, name: str, text: str) -> None:
    table = read_table(write(tmp_path / name, text))
    assert (table.columns, table.rows) == (("tokens", "tags"), SENTENCES)


def test_more_columns_have_numbers(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.iob2", "# sent_id = 7\n1\tSi\tO\t-\n2\tAna\tB-PER\t-\n"))
    assert table.columns == ("1", "2", "3", "4")
    assert table.rows[0]["2"] == ["Si", "Ana"] and table.rows[0]["3"] == ["O", "B-PER"]


def test_a_header_with_blank_lines_below_is_still_a_header(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.tsv", "text\tlabel\noo\tpos\n\nhindi\tneg\n"))
    assert table.rows == ({"text": "oo", "label": "pos"}, {"text": "hindi", "label": "neg"})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "no example in it"),
        ("a.csv", "text,label\n", "no example in it"),
        ("a.jsonl", "\n\n", "no example in it"),
        ("a.conllu", "# nothing\n", "no example in it"),
        ("a.csv", "text,text\na,b\n", "line 1: a column name is given twice"),
        ("a.csv", "text,label\na,b\nc,d,e\n", "line 3: 3 cells, but the header names 2 columns .* quote a cell"),
        ("a.csv", 'text,label\na,b\nc,"d\n', "line 3: unexpected end of data; a quote may be open"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', r"line 2: broken JSON \(Expecting value at character 10\)"),
        ("a.jsonl", '{"text": "a"}\n["b"]\n', "line 2: an object such as"),
        ("a.json", '[{"text": "a"},\n {"text"}]', "line 2: broken JSON"),
        ("a.conllu", "1\ta\tb\n", "line 1: 3 cells, expected the 10 of CoNLL-U"),
        ("a.conll", "a O\nb O\nc\n", "line 3: 1 cells, but most lines have 2; expected a word and its tag"),
        ("a.docx", "", "unknown format '.docx'; known: .* .csv .*txt, text"),
        ("a", "", "unknown format ''"),
        ("a.parquet", "no parquet", "no readable Parquet file"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_table(write(tmp_path / name, text))
    assert str(tmp_path / name) in str(caught.value) and caught.value.exit_code == 5


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,label\nma\xf1ana,pos\n")
    with pytest.raises(InputError, match="line 2: not UTF-8, it looks like WINDOWS-1252; convert it first"):
        read_table(tmp_path / "a.csv")
    packed = gzip.compress(json_lines().encode() * 50)
    xz = lzma.compress(json_lines().encode() * 50)
    for name, raw, words in (
        ("a.jsonl.gz", packed[:-20], "damaged gz file"),
        ("b.jsonl.xz", xz[:-20], "damaged xz file"),
        ("c.jsonl.gz", b"text", "line 1"),
    ):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(InputError, match=words):
            read_table(tmp_path / name)
    for name in ("none.csv", "none.parquet"):
        with pytest.raises(InputError, match="no such file"):
            read_table(tmp_path / name)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "folder.csv")
