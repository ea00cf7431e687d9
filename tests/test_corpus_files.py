"""Corpora as people have them: packed, in JSON lines, Parquet, numbered, in folders; and what is no text is refused."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from line import edgeenc

from edgeenc.errors import InputError, UsageError
from edgeenc.language import resolve
from edgeenc.sources import file_and_column, given_texts
from edgeenc.text import files as files_module
from edgeenc.text import intake as intake_module
from edgeenc.text.corpus import load_corpus, read_corpus, read_lines, save_corpus
from edgeenc.text.documents import FEWEST_DOCUMENTS
from edgeenc.text.files import corpus_files
from edgeenc.text.intake import take_in
from edgeenc.text.mixture import Text, corpus_fields
from edgeenc.text.packing import DEEPEST

CHANCE = random.Random(7)
WORDS = "ang mga bata ay kumain ng kanin at isda sa bahay ni lola kahapon habang umuulan dito mañana".split()
LINES = [
    " ".join(CHANCE.choices(WORDS, k=CHANCE.randint(4, 14))).capitalize() + CHANCE.choice(".!?") for _ in range(1100)
]
PLAIN = "".join(f"{line}\n" for line in LINES)
OSCAR = "".join(json.dumps({"id": n, "content": line}, ensure_ascii=False) + "\n" for n, line in enumerate(LINES))


def zst(raw: bytes) -> bytes:
    return pa.Codec("zstd").compress(raw).to_pybytes()


def packed(raw: bytes, name: str) -> bytes:
    pack: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zst
    }  # fmt: skip
    return pack[name](raw)


def parquet(path: Path, **columns: Sequence[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def refusal(path: Path, column: str = "") -> str:
    """Return the one short message with which a plan and an intake both refuse a text."""
    said = []
    for refuse in (
        lambda: corpus_fields([Text(resolve("tl"), path, column=column)]),
        lambda: take_in(path, path.with_name("out"), 0, column=column),
    ):
        with pytest.raises(InputError) as error:
            refuse()
        said.append(str(error.value))
    assert said[0] == said[1]
    assert "\n" not in said[0]
    assert len(said[0]) < 400 + len(str(path))
    return said[0]


@pytest.mark.parametrize("name", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("text", [PLAIN, OSCAR], ids=["lines", "json"])
def test_a_packed_text_is_read_whatever_it_is_called(name: str, text: str, tmp_path: Path) -> None:
    for suffix in ("txt", "jsonl", name):
        path = tmp_path / f"a.{suffix}"
        path.write_bytes(packed(text.encode(), name))
        assert read_lines(path) == LINES


def test_members_and_frames_one_after_the_other_are_read(tmp_path: Path) -> None:
    for name in ("gz", "bz2", "xz", "zst"):
        (tmp_path / "a").write_bytes(packed(PLAIN.encode(), name) + packed(b"Isa pa.\n", name))
        assert read_lines(tmp_path / "a") == [*LINES, "Isa pa."]
    (tmp_path / "a").write_bytes(b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zst(PLAIN.encode()))
    assert read_lines(tmp_path / "a") == LINES


@pytest.mark.parametrize("name", ["gz", "bz2", "xz", "zst"])
def test_a_packed_text_that_breaks_off_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(packed(PLAIN.encode() * 9, name)[:-40])
    with pytest.raises(InputError, match=rf"damaged {name} file \(.*\); fetch it again"):
        take_in(path, tmp_path / "out", 0)


def test_packings_around_each_other_come_to_an_end(tmp_path: Path) -> None:
    raw = PLAIN.encode()
    for _ in range(DEEPEST):
        raw = gzip.compress(raw)
    (tmp_path / "a.gz").write_bytes(raw)
    assert read_lines(tmp_path / "a.gz") == LINES
    (tmp_path / "b.gz").write_bytes(gzip.compress(raw))
    assert "binary data" in refusal(tmp_path / "b.gz")


def test_numbered_lines_lose_their_numbers(tmp_path: Path) -> None:
    for end in ("\n", "\r\n"):
        (tmp_path / "a.txt").write_text("".join(f"{n}\t{line}{end}" for n, line in enumerate(LINES, 1)), newline="")
        assert read_lines(tmp_path / "a.txt") == LINES


def test_the_column_of_text_is_a_usual_one_or_the_one_that_is_named(tmp_path: Path) -> None:
    same = ["x"] * len(LINES)
    for column, others in (("text", "other"), ("content", "other"), ("sentence", "other"), ("b", "number")):
        other = list(range(len(LINES))) if others == "number" else same
        path = parquet(tmp_path / "a.parquet", **{others: other, column: LINES})
        assert read_lines(path) == LINES
    two = tmp_path / "two.jsonl"
    two.write_text("".join(json.dumps({"a": "x", "b": line, "c": 3}) + "\n" for line in LINES))
    for path in (two, parquet(tmp_path / "two.parquet", a=same, b=LINES, c=list(range(len(LINES))))):
        assert refusal(path).endswith("which column holds the text? (there are a, b); write --corpus FILE#COLUMN")
        assert "no column 'zz' (there are a, b, c)" in refusal(path, "zz")
        assert "expected text" in refusal(path, "c")
        assert read_lines(path, "b") == LINES
    (tmp_path / "plain.txt").write_text(PLAIN)
    assert "text has no column 'b'; leave #b out" in refusal(tmp_path / "plain.txt", "b")


def test_a_row_is_a_document_of_one_or_more_lines(tmp_path: Path) -> None:
    documents = ["\n".join(LINES[n : n + 4]) for n in range(0, len(LINES), 4)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in [*documents, None, ""]))
    tally = take_in(tmp_path / "a.jsonl", tmp_path / "out", 0)
    assert (tally.lines, tally.documents) == (len(LINES), len(documents))
    assert len(documents) > FEWEST_DOCUMENTS
    again = parquet(tmp_path / "a.parquet", text=[*documents, None, ""])
    assert take_in(again, tmp_path / "two", 0) == tally
    assert read_corpus(again, 0) == load_corpus(tmp_path / "two") == load_corpus(tmp_path / "out")


def test_a_text_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    for change in (PLAIN + "Isa pa.\n", PLAIN[: len(PLAIN) // 2]):
        path.write_text(PLAIN)
        with monkeypatch.context() as patch:
            patch.setattr(
                intake_module, "documents_of", lambda blanks, new=change: (path.write_text(new), blanks)[1] * 1
            )
            with pytest.raises(InputError, match="the text was changed while it was read"):
                take_in(path, tmp_path / "out", 0)


def test_half_a_character_in_json_is_a_lost_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(r'{"text": "isa \ud83d dalawa \ud83d\ude00"}' + "\n")
    assert read_lines(tmp_path / "a.jsonl") == ["isa \ufffd dalawa \U0001f600"]


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(OSCAR + "{isa\n")
    with pytest.raises(InputError, match="line 1101 is no JSON object"):
        read_lines(tmp_path / "a.jsonl")


def test_a_folder_or_a_zip_file_is_read_and_says_what_it_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    inside = {
        "b/one.txt": PLAIN.encode(), "a.jsonl": OSCAR.encode().replace(b"lola", b"lolo"), "table.csv": TABLE.encode(),
        "x.pdf": b"%PDF-1.7", "README.md": b"about", "two.txt.gz": gzip.compress(b"Isa pa ito."),
    }  # fmt: skip
    for name, raw in inside.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    (folder / ".git").mkdir()
    (folder / ".git" / "text.txt").write_text("nakatago")
    with zipfile.ZipFile(tmp_path / "texts.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in inside.items():
            archive.writestr(name, raw)
        for name in ("__MACOSX/a.txt", "b/.a.txt"):
            archive.writestr(name, "nakatago")
    tallies = [take_in(path, tmp_path / path.suffix, 0) for path in (folder, tmp_path / "texts.zip")]
    assert tallies[0] == tallies[1]
    assert tallies[0].files == 3
    passed = tallies[0].passed_over
    assert [one.partition(":")[0] for one in passed] == ["README.md", "table.csv", "x.pdf"]
    assert "a table (commas" in passed[1] and "PDF" in passed[2]
    found = read_lines(folder)
    assert found == read_lines(tmp_path / "texts.zip")
    assert {*LINES, "Isa pa ito."} < set(found)
    assert "nakatago" not in found
    (tmp_path / "texts.zip").write_bytes((tmp_path / "texts.zip").read_bytes()[:-60])
    assert "damaged zip file" in refusal(tmp_path / "texts.zip")


def test_a_folder_without_text_or_with_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    assert "no text in it, 0 other files" in refusal(tmp_path / "in")
    for name in ("a.pdf", "b.pdf", "c.pdf", "d.pdf"):
        (tmp_path / "in" / name).write_bytes(b"%PDF")
    said = refusal(tmp_path / "in")
    assert "no text in it, 4 other files: a.pdf: a PDF document; b.pdf" in said and "d.pdf" not in said
    monkeypatch.setattr(files_module, "MOST_FILES", 3)
    assert "over 3 files; give a folder of text alone" in refusal(tmp_path / "in")


TABLE = "id,text,label\n" + "".join(f'{n},"{line}",{n % 2}\n' for n, line in enumerate(LINES))
TAGGED = "\n".join(
    "\n".join(f"{word} {'B-PER' if len(word) > 6 else 'O'}" for word in line.split()) + "\n" for line in LINES
)
CONLLU = "\n".join(
    f"# text = {line}\n" + "".join(f"{n}\t{w}\t_\tNOUN\t_\t_\t0\troot\t_\t_\n" for n, w in enumerate(line.split(), 1))
    for line in LINES
)
UNER = "\n".join(
    f"# text = {line}\n" + "".join(f"{n}\t{w}\tO\t-\t-\n" for n, w in enumerate(line.split(), 1)) for line in LINES
)
XML = '<?xml version="1.0"?>\n<doc>\n' + "".join(f"<s>{line}</s>\n" for line in LINES) + "</doc>"
WIKI = "".join(f'<doc id="{n}" title="{line[:5]}">\n{line}\n</doc>\n' for n, line in enumerate(LINES))
SUBTITLES = "".join(f"{n}\n00:00:0{n % 10},000 --> 00:00:0{n % 10},900\n{line}\n\n" for n, line in enumerate(LINES))
NO_TEXT = {
    "a.csv": (TABLE, "a table (commas, columns id, text, label), not text; labelled data goes to --task NAME --data"),
    "a.txt": (TABLE, "a table (commas"),
    "quoted.csv": ("text\n" + "".join(f'"{line}"\n' for line in LINES), "a table (commas, columns text)"),
    "lines.csv": ("id,text\n" + "".join(f'{n},"{x}\n{x}"\n' for n, x in enumerate(LINES)), "a table (commas"),
    "long.csv": ("id,text\n" + "".join(f'{n},"{x * 9000}"\n' for n, x in enumerate(LINES[:3])), "a table (commas"),
    "sep.csv": ("sep=;\ntext;label\n" + PLAIN, "a table (semicolons), not text"),
    "semicolons": ("".join(f"{line};{n % 3}\n" for n, line in enumerate(LINES)), "a table (semicolons"),
    "tabs.txt": ("".join(f"{n % 3}\t{line}\n" for n, line in enumerate(LINES)), "e.g. cut -f2 FILE > NEW"),
    "a.conllu": (CONLLU, "CoNLL-U, not running text; labelled data goes to --task NAME --data FILE"),
    "uner": (UNER, "CoNLL-U, not running text"),
    "tagged.txt": (TAGGED, "a word and its tag on each line, not running text; labelled data goes to --task NAME"),
    "a.xml": (XML, "XML, not text; take the text out of its marks first"),
    "wiki.txt": (WIKI, "XML, not text"),
    "a.html": ("<!DOCTYPE html>\n<html><body>" + "".join(f"<p>{x}</p>\n" for x in LINES), "HTML, not text"),
    "list.json": (json.dumps([{"text": line} for line in LINES]), "JSON, expected text, or one JSON object a line"),
    "pretty.json": (json.dumps([{"text": line} for line in LINES], indent=2), "jq -c '.[]' FILE > NEW.jsonl"),
    "object.json": (json.dumps({"data": LINES}, indent=2), "JSON, expected text"),
    "pairs.txt": ("".join(json.dumps([n, line]) + "\n" for n, line in enumerate(LINES)), "JSON, expected text"),
    "python.txt": ("".join(repr({"text": line}) + "\n" for line in LINES), "write it with json.dumps"),
    "deep.json": ("[" * 200_000, "JSON, expected text"),
    "a.srt": (SUBTITLES, "subtitles, not text"),
    "a.rtf": ("{\\rtf1 " + PLAIN, "a document in rich text"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_TEXT)
def test_what_is_no_text_is_told_by_its_look_and_refused(name: str, tmp_path: Path) -> None:
    text, expected = NO_TEXT[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert expected in refusal(path)
    path.write_bytes(gzip.compress(text.encode()))
    assert expected in refusal(path)


BINARY = {
    "a.pdf": (b"%PDF-1.7\n" + bytes(range(256)) * 300, "a PDF document; save it as text first"),
    "a.doc": (b"\xd0\xcf\x11\xe0" + bytes(9000), "a document of an old Office"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(900), "a 7z archive; unpack it first"),
    "a.tar": (b"a.txt".ljust(257, b"\0") + b"ustar" + bytes(300), "a tar archive; unpack it first"),
    "zeros": (bytes(90_000), "no text but binary data"),
    "any": (random.Random(1).randbytes(90_000), "no text but binary data"),
    "bom16.txt": (PLAIN.encode("utf-16"), "UTF-16LE, expected UTF-8; convert it first: iconv -f UTF-16LE -t UTF-8"),
    "le.txt": (PLAIN.encode("utf-16-le"), "UTF-16LE, expected UTF-8"),
    "be.txt": (PLAIN.encode("utf-16-be"), "UTF-16BE, expected UTF-8"),
    "32.txt": (PLAIN.encode("utf-32"), "UTF-32LE, expected UTF-8"),
    "thai16": ("เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าฝูงสัตว์\n".encode("utf-16-le") * 900, "UTF-16LE"),
    "han16": ("我爱北京天安门，太阳升。\n".encode("utf-16-be") * 900, "UTF-16BE"),
    "1252.txt": (PLAIN.encode("cp1252"), "is not UTF-8, it looks like WINDOWS-1252; convert it first: iconv -f WIN"),
    "1250.txt": ("Žltý kôň skákal cez ľúku, keď ťažký dážď.\n".encode("cp1250") * 900, "looks like WINDOWS-1250"),
    "1251.txt": ("Съешь же ещё этих мягких французских булок.\n".encode("cp1251") * 900, "it looks like WINDOWS-1251"),
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_other_encodings_and_binary_files_are_named(name: str, tmp_path: Path) -> None:
    raw, expected = BINARY[name]
    (tmp_path / name).write_bytes(raw)
    assert expected in refusal(tmp_path / name)


@pytest.mark.parametrize("member", ["[Content_Types].xml", "mimetype"])
def test_documents_of_an_office_are_refused(member: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/document.xml", PLAIN)
        archive.writestr(member, "x")
    assert "a document of an office program, or a book; save it as UTF-8 text" in refusal(tmp_path / "a.docx")


def test_a_single_line_in_another_encoding_is_named_by_its_number(tmp_path: Path) -> None:
    """Late in the text, where a plan does not look, the guess is made from the lines that follow."""
    path = tmp_path / "a.txt"
    path.write_bytes((PLAIN * 4).encode() + "Ang señor ay nagtanim noong mañana.\n".encode("cp1252") * 30)
    with pytest.raises(InputError, match="line 4401 is not UTF-8, it looks like WINDOWS-1252"):
        take_in(path, tmp_path / "out", 0)
    path.write_bytes(PLAIN.encode() + b"sira \xff\n" + "mañana\n".encode() * 30)
    with pytest.raises(InputError, match="line 1101 is not UTF-8, though most of the text is"):
        take_in(path, tmp_path / "out", 0)


@pytest.mark.parametrize(
    "line",
    ["Linya {n}, mahaba ito", "Si Ana, si Ben, at si Carla {n}", "[{n}] Tala sa aklat", '{{"hindi" {n} ito}}',
     "<3 puso {n}", "A {n}; B; C", "Sabi niya: \"oo\" {n}", "{n} . OO .", "{n}:1 Sa pasimula", "<br> {n} sira"],
)  # fmt: skip
def test_text_that_resembles_something_else_is_read(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(line.format(n=n) + "\n" for n in range(500)))
    assert len(read_lines(path)) == 500


def test_what_was_made_here_is_read_whatever_it_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps({"text": f"{line} {n},a"}) + "\n" for n, line in enumerate(LINES)))
    save_corpus(read_corpus(path, 0), tmp_path / "one")
    rows = load_corpus(tmp_path / "one")
    save_corpus(type(rows)(tuple(f"{n},{n}" for n in range(50)), ('{"a": 1}',), ("<a>b</a>",)), tmp_path / "two")
    assert load_corpus(tmp_path / "two").valid == ('{"a": 1}',)


def test_a_line_without_end_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(PLAIN.encode())
        for _ in range(100):
            file.write(b"a" * (1 << 20))
    tracemalloc.start()
    with pytest.raises(InputError, match="line 1101 is longer than 4,000,000 bytes; put each sentence or paragraph on"):
        take_in(path, tmp_path / "out", 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    long = "salita " * 700_000
    for name in ("a.jsonl", "a.parquet"):
        if name == "a.jsonl":
            (tmp_path / name).write_text(OSCAR + json.dumps({"content": long}) + "\n")
        else:
            parquet(tmp_path / name, text=[*LINES, long])
        with pytest.raises(InputError, match=r"(line|row) 1101 is longer than 4,000,000 bytes"):
            read_lines(tmp_path / name)


def test_a_pipe_and_a_device_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="a pipe or device, not a file; the text is read twice, so save it first"):
            corpus_files(path)
        done = edgeenc("plan", "--lang", "tl", "--corpus", str(path), "--store", str(tmp_path))
        assert done.returncode == 5
        assert "a pipe or device" in done.stderr


@pytest.mark.parametrize(
    ("typed", "said"), [("", "an empty name"), ("  ", "an empty name"), ("tl=", "no file is named")]
)
def test_an_empty_name_is_no_corpus(typed: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        given_texts([typed], [resolve("tl")])
    done = edgeenc("plan", "--lang", "tl", "--corpus", typed, "--store", str(tmp_path))
    assert done.returncode == 2
    assert said in done.stderr


def test_a_column_stands_behind_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a#b.txt").write_text("x")
    assert file_and_column(f"{tmp_path}/a#b.txt") == (tmp_path / "a#b.txt", "")
    assert file_and_column(f"{tmp_path}/a.jsonl#body") == (tmp_path / "a.jsonl", "body")
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"a": "x", "b": line}) + "\n" for line in LINES))
    call = ("plan", "--lang", "tl", "--store", str(tmp_path / "store"), "--corpus")
    for typed, code in ((f"{path}#b", 0), (f"tl={path}#b", 0), (str(path), 5), (f"{path}#c", 5), (f"{path}.no#b", 5)):
        assert edgeenc(*call, typed).returncode == code


def test_keys_of_plain_text_stay_and_others_say_how_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    files = {"a/a.txt": PLAIN, "b.jsonl": OSCAR}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "c.gz").write_bytes(gzip.compress(PLAIN.encode()))
    fields = {
        name: corpus_fields([Text(resolve("tl"), tmp_path / name, column=column)])
        for name, column in (("a/a.txt", ""), ("c.gz", ""), ("b.jsonl", "content"), ("a", ""))
    }
    for name in ("a/a.txt", "c.gz", "a"):
        assert set(fields[name]) == {"train", "heldout", "split"}
    assert fields["b.jsonl"]["forms"] == ["json lines"]
    assert fields["b.jsonl"]["column"] == "content"
    before = fields["a"]["train"]
    (tmp_path / "a" / "a.txt").write_text(PLAIN + "Isa pa.\n")
    assert corpus_fields([Text(resolve("tl"), tmp_path / "a")])["train"] != before
