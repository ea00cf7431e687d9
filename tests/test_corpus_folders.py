"""What lies in a folder of text: read, passed over and said, or refused; encodings by name; what a plan sees of it."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from line import edgeenc
from test_corpus_files import LINES, PLAIN, WORDS, packed, parquet, refusal

from edgeenc.language import resolve
from edgeenc.record.steps import files_said
from edgeenc.text import first_look
from edgeenc.text.corpus import read_lines
from edgeenc.text.files import corpus_files
from edgeenc.text.intake import take_in
from edgeenc.text.mixture import Text, corpus_fields, text_notes

PAGES = {
    "WINDOWS-874": ("cp874", "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน จงฝ่าฟันพัฒนาวิชาการ"),
    "WINDOWS-1250": ("cp1250", "Szőlőfürtöt evett a kislány, és örült a hűvös esőnek."),
    "ISO-8859-2": ("iso8859_2", "Žltý kôň skákal cez ľúku, keď začal ťažký dážď šumieť."),
    "WINDOWS-1251": ("cp1251", "Всички хора се раждат свободни и равни по достойнство и права."),
    "KOI8-R": ("koi8_r", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
    "CP866": ("cp866", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
    "WINDOWS-1252": ("cp1252", "El niño comerá jamón mañana, ¿verdad? Sí, señor."),
    "WINDOWS-1253": ("cp1253", "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι."),
    "WINDOWS-1254": ("cp1254", "Bütün insanlar hür doğarlar; ışık ve ağaç güzeldir."),
    "WINDOWS-1255": ("cp1255", "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם."),
    "WINDOWS-1256": ("cp1256", "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق."),
    "WINDOWS-1257": ("cp1257", "Visi žmonės gimsta laisvi ir lygūs savo orumu, jiems suteiktas protas ir sąžinė."),
    "GB18030": ("gb18030", "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。"),
    "BIG5": ("big5", "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心。"),
    "SHIFT_JIS": ("cp932", "すべての人間は、生まれながらにして自由であり、平等である。"),
    "EUC-JP": ("euc_jp", "すべての人間は、生まれながらにして自由であり、平等である。"),
    "EUC-KR": ("cp949", "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."),
    "UTF-16LE": ("utf-16-le", "Žltý kôň skákal cez ľúku."),
    "UTF-16BE": ("utf-16-be", "เป็นมนุษย์สุดประเสริฐ เลิศคุณค่า"),
    "UTF-32BE": ("utf-32-be", "Žltý kôň skákal cez ľúku."),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_an_encoding_is_named_alike_in_a_file_and_in_a_folder_which_is_refused(name: str, tmp_path: Path) -> None:
    page, line = PAGES[name]
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(PLAIN)
    (folder / "b.txt").write_bytes(f"{line}\n".encode(page) * 40)
    assert f"iconv -f {name} -t UTF-8" in refusal(folder / "b.txt")
    assert refusal(folder) == refusal(folder / "b.txt")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert f"iconv -f {name} -t UTF-8" in refusal(tmp_path / "a.zip")
    (folder / "c.txt").write_bytes("Żółw\n".encode("utf-16"))
    assert "(and 1 more file of another encoding)" in refusal(folder)


BESIDE = {
    "three.csv": ("ang,mga,bata\n1,2,3\n", "a table (commas"),
    "names": ("id\ttext\tlabel\n", "a table (tabs, columns id, text, label)"),
    "a.py": ("import os\n\n\ndef walk(x):\n    return os.walk(x)\n", "a program"),
    "code": ("#!/bin/sh\necho isa\n", "a program"),
    "a.yaml": ("name: isa\nkeys:\n  - dalawa\n", "YAML"),
    "a.toml": ('[project]\nname = "isa"\n', "TOML"),
    "tl.po": ('msgid "one"\nmsgstr "isa"\n', "messages of gettext"),
    "a.md": ("# Ulo\n\nIsang [aklat](http://a.b) ito.\n", "Markdown"),
    "a.html": ("<p>Isa</p>\n", "HTML"),
    "a.tmx": ('<?xml version="1.0"?>\n<tmx version="1.4"><body><tu/></body></tmx>\n', "TMX"),
    "a.srt": ("1\n00:00:01,000 --> 00:00:02,000\nIsa\n", "subtitles"),
    "a.vtt": ("WEBVTT\n\n00:01.000 --> 00:02.000\nIsa\n", "subtitles"),
    "train.txt": ("".join(f"__label__a {line}\n" for line in LINES[:9]), "labelled lines of fastText"),
    "a.json": ('{"a": [1, 2],\n "b": "isa"}\n', "JSON"),
    "counts": ("".join(f"{word} {n}\n" for n, word in enumerate(WORDS)), "words with numbers"),
    "a.tar": ("a.txt".ljust(257, "\0") + "ustar" + "\0" * 300, "a tar archive"),
    "empty.txt": ("", "an empty file"),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_what_lies_beside_text_is_passed_over_and_a_plan_says_it_as_a_build_does(name: str, tmp_path: Path) -> None:
    text, expected = BESIDE[name]
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(PLAIN)
    (folder / name).write_text(text)
    said = corpus_files(folder).said
    assert said.startswith(f"1 file read, 1 passed over: {name}: {expected}")
    assert text_notes([Text(resolve("tl"), folder)]) == (f"corpus texts: {said}",)
    tally = take_in(folder, tmp_path / "out", 0)
    assert files_said(tally.files or 0, tally.passed, tally.passed_over) == said


def test_of_many_files_that_are_passed_over_three_are_named_and_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PLAIN)
    for n in range(30):
        (tmp_path / f"b{n:02}.pdf").write_bytes(b"%PDF")
    said = corpus_files(tmp_path).said
    assert said.startswith("1 file read, 30 passed over: b00.pdf: a PDF document; b01.pdf")
    assert said.endswith("b02.pdf: a PDF document and 27 more")
    assert take_in(tmp_path, tmp_path.parent / "out", 0).passed == 30
    done = edgeenc("plan", "--lang", "tl", "--corpus", str(tmp_path), "--store", str(tmp_path.parent / "store"))
    assert done.returncode == 0
    assert "30 passed over" in " ".join((done.stdout + done.stderr).split())


def test_a_plan_refuses_what_is_too_small_as_a_build_does(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text, said in (
        ("", "0 bytes of distinct text"), ("Isa.\n" * 90_000, "5 bytes of distinct text"),
        ("salita " * 10_000 + "\n", "1 distinct lines, expected at least 100"),
    ):  # fmt: skip
        path.write_text(text)
        assert said in refusal(path)
    done = edgeenc("plan", "--lang", "tl", "--corpus", str(path), "--store", str(tmp_path / "store"))
    assert done.returncode == 5
    assert "1 distinct lines" in done.stderr


def test_a_plan_reads_only_the_beginning_of_a_large_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Isa.\n" * 9_000)
    assert "bytes of distinct text" in refusal(path)
    monkeypatch.setattr(first_look, "MOST_READ", 10_000)
    assert corpus_fields([Text(resolve("tl"), path)])["heldout"] is None


def test_packed_parquet_and_zip_files_in_a_folder_are_read(tmp_path: Path) -> None:
    bare = parquet(tmp_path / "a.parquet", text=LINES)
    for name in ("gz", "zst"):
        (tmp_path / f"b.{name}").write_bytes(packed(bare.read_bytes(), name))
        assert read_lines(tmp_path / f"b.{name}") == LINES
    folder = tmp_path / "texts"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bare, "in/a.parquet")
        archive.writestr("inner.zip", b"PK\x03\x04 ...")
        archive.writestr("note.csv", "id,text\n")
    assert [line for line in read_lines(folder) if line] == LINES
    said = corpus_files(folder).said
    assert "a.zip/inner.zip: a zip file inside another file" in said
    assert said.startswith("1 file read, 2 passed over")
    with zipfile.ZipFile(folder / "b.docx", "w") as archive:
        archive.writestr("mimetype", "x")
    assert "b.docx: a document of an office program" in corpus_files(folder).said
    (tmp_path / "c.gz").write_bytes(gzip.compress((folder / "a.zip").read_bytes()))
    assert "a zip file inside another file; unpack it first" in refusal(tmp_path / "c.gz")


def test_columns_of_parquet_that_hold_text_in_other_ways_are_read(tmp_path: Path) -> None:
    plain, large = pa.array(LINES, pa.string()), pa.array(LINES, pa.large_string())
    for column in (large, plain.dictionary_encode(), large.dictionary_encode()):
        pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
        assert read_lines(tmp_path / "a.parquet") == LINES


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way_with_a_byte_order_mark_or_without(end: str, tmp_path: Path) -> None:
    for mark in ("", "\ufeff"):
        (tmp_path / "a").write_text(mark + end.join(LINES) + end, newline="", encoding="utf-8")
        assert read_lines(tmp_path / "a") == LINES


def test_the_field_of_text_may_be_missing_in_the_first_object(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for name in ("content", "raw_content", "sentence"):
        rows = [{"meta": {"a": 1}}, {"meta": {}, name: LINES[0]}, {name: LINES[1], "meta": {}}]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert read_lines(path) == LINES[:2]


def test_links_to_folders_are_followed_once_and_links_to_nothing_are_said(tmp_path: Path) -> None:
    folder, other = tmp_path / "texts", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "a.txt").write_text(PLAIN)
    (folder / "linked").symlink_to(other)
    (folder / "again").symlink_to(folder)
    (folder / "lost.txt").symlink_to(tmp_path / "nowhere")
    assert read_lines(folder) == LINES
    assert corpus_files(folder).said == "1 file read, 1 passed over: lost.txt: a link to nothing, or no file"


@pytest.mark.parametrize(
    "line",
    ["Ana: Kumusta ka, {n}?", "- Oo, sabi niya, {n}.", "# {n} na tao", "Si Ana = si Ben {n}", "{n} bata ang kumain",
     "Tala: {n}", "* {n} isang tala", "Kung {n}: halika {{dito}}", "> sabi {n} niya"],
)  # fmt: skip
def test_running_text_is_not_taken_for_a_program_or_for_marks(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{line.format(n=n)}\n{LINES[n]}\n{LINES[n + 500]}\n" for n in range(500)))
    assert len(read_lines(path)) == 1500
