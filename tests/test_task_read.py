"""Reading a task: columns guessed, parts found or cut, and every mistake of a user told with what to do."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from edgeenc import sources
from edgeenc.errors import InputError
from edgeenc.tasks.examples import Item, TaskData, load_task, save_task
from edgeenc.tasks.kinds.classify import CLASSIFY
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.split import hold_out

LABELS = ("neg", "pos", "pos")
SIZES = {
    "ner-sk": (8481, 1057, 1061),
    "pos-mt": (1123, 433, 518),
    "pos-tl": (1359, 200, 1563),
    "sentiment-sw": (1805, 453, 748),
    **{f"topic-{language}": (701, 99, 204) for language in ("tl", "mt", "sk", "sw")},
}
"""Examples of the kit's sets, from the table in its README."""


def rows(size: int, start: int = 0) -> list[dict[str, object]]:
    return [{"text": f"salita {start + place}", "label": LABELS[place % 3]} for place in range(size)]


def write(path: Path, examples: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in examples), encoding="utf-8")
    return path


def read(path: Path | str, seed: int = 0, **fields: str) -> tuple[TaskData, tuple[str, ...]]:
    return read_task(TaskSpec.model_validate({"name": "sentiment", "data": str(path), **fields}), seed)


def sizes(data: TaskData) -> tuple[int, int, int]:
    return len(data.train), len(data.validation), len(data.test)


@pytest.mark.parametrize("name", SIZES)
def test_the_sets_of_the_kit(name: str) -> None:
    data, lines = read(f"starter:{name}")
    assert sizes(data) == SIZES[name] and "parts as in the source" in lines[0]
    assert data.kind.name == ("tag" if name.startswith(("ner", "pos")) else "classify")


def test_one_file_is_cut_by_seed_and_what_was_guessed_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("id,review,stars\n" + "".join(f"{i},mabuti {i},{i % 3}\n" for i in range(2550)), encoding="utf-8")
    data, lines = read(path, seed=4)
    assert sizes(data) == (2040, 255, 255) and data.labels == ("0", "1", "2")
    assert lines == (
        "sentiment: text column: review, label column: stars, 3 labels: 0, 1, 2,"
        " train / validation / test: 2,040 / 255 / 255 examples, split by seed 4",
        "the labels are numbers, and the file does not say what they mean",
    )
    assert read(path, seed=4)[0] == data != read(path, seed=5)[0]


def test_the_three_parts_hold_every_example_once_with_the_same_mix(tmp_path: Path) -> None:
    examples = [{"text": f"salita {i}", "label": "rare" if i < 3 else "ab"[i < 200]} for i in range(1000)]
    data, _ = read(write(tmp_path / "a.jsonl", examples))
    whole = [*data.train, *data.validation, *data.test]
    assert Counter(item.words[0] for item in whole) == Counter(row["text"] for row in examples)
    assert sizes(data) == (800, 100, 100)
    assert "rare" in data.labels
    for part in (data.validation, data.test):
        counts = Counter(item.labels[0] for item in part)
        assert abs(counts["a"] - 80) <= 1 and abs(counts["b"] - 20) <= 1


def test_cutting_by_hand() -> None:
    items = [Item((f"w{place}",), ("ab"[place >= 6],)) for place in range(10)]
    kept, held = hold_out(items, CLASSIFY, 0.2, seed=0)
    assert [item.labels[0] for item in held] == ["a", "b"]
    assert sorted([*kept, *held], key=items.index) == items
    assert list(kept) == sorted(kept, key=items.index)


def test_equal_texts_stay_on_one_side(tmp_path: Path) -> None:
    examples = rows(30) + [{**row, "text": str(row["text"]).upper() + "!"} for row in rows(30)]
    for seed in range(5):
        data, lines = read(write(tmp_path / "a.jsonl", examples), seed)
        sides = [{item.words[0].lower().strip("!") for item in part} for part in (data.train, data.test)]
        assert sides[0].isdisjoint(sides[1]) and len(lines) == 1


def test_parts_in_files_of_any_format(tmp_path: Path) -> None:
    write(tmp_path / "xx-ud-train.jsonl", rows(20))
    write(tmp_path / "xx-ud-dev.jsonl", rows(5, 20))
    parquet.write_table(pa.Table.from_pylist(rows(6, 30)), tmp_path / "xx-ud-test.parquet")
    (tmp_path / "README.txt").write_text("a note", encoding="utf-8")
    data, lines = read(tmp_path)
    assert sizes(data) == (20, 5, 6) and "parts as in the source" in lines[0]


def test_shards_and_subfolders_of_the_hub(tmp_path: Path) -> None:
    write(tmp_path / "data" / "train-00000-of-00002.jsonl", rows(10))
    write(tmp_path / "data" / "train-00001-of-00002.jsonl", rows(10, 10))
    write(tmp_path / "data" / "validation-00000-of-00001.jsonl", rows(4, 20))
    write(tmp_path / "data" / "test-00000-of-00001.jsonl", rows(4, 30))
    assert sizes(read(tmp_path)[0]) == (20, 4, 4)
    converted = tmp_path / "converted"
    write(converted / "default" / "train" / "0000.jsonl", rows(20))
    write(converted / "default" / "test" / "0000.jsonl", rows(4, 30))
    assert sizes(read(converted)[0]) == (18, 2, 4)


def test_what_is_missing_is_cut_from_train(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(40))
    assert sizes(read(tmp_path)[0]) == (32, 4, 4)
    write(tmp_path / "valid.jsonl", rows(7, 50))
    data, lines = read(tmp_path, seed=2)
    assert sizes(data) == (36, 4, 7)
    assert "test is the source's validation part, validation a tenth of train by seed 2" in lines[0]
    (tmp_path / "valid.jsonl").rename(tmp_path / "test.jsonl")
    data, lines = read(tmp_path, seed=2)
    assert sizes(data) == (36, 4, 7) and "examples, validation is a tenth of train by seed 2" in lines[0]


def test_hub_data_comes_through_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def dataset_folder(spec: str, *, offline: bool) -> Path:
        asked.append((spec, offline))
        return write(tmp_path / "data" / "train.jsonl", rows(20)).parent.parent

    monkeypatch.setattr(sources, "dataset_folder", dataset_folder, raising=False)
    spec = TaskSpec(name="topic", data=f"org/name@{'0' * 40}:config")
    assert sizes(read_task(spec, 0, offline=True)[0]) == (16, 2, 2)
    assert asked == [(spec.data, True)]


def test_tags_as_lists_strings_and_columns(tmp_path: Path) -> None:
    words, tags = ["Si", "Ana"], ["O", "B-PER"]
    expected = Item(tuple(words), tuple(tags))
    lists = [{"id": i, "tokens": [*words, str(i)], "ner_tags": [*tags, "O"], "pos_tags": ["X"] * 3} for i in range(12)]
    data, lines = read(write(tmp_path / "a.jsonl", lists), name="ner")
    assert data.kind.name == "tag" and "text column: tokens, label column: ner_tags" in lines[0]
    assert all(item.words[:2] == expected.words and item.labels[:2] == expected.labels for item in data.train)

    path = tmp_path / "a.conll"
    path.write_text("\n".join(f"Si\tO\nAna\tB-PER\n{i}\tO\n" for i in range(12)), encoding="utf-8")
    assert read(path)[0] == data

    path = tmp_path / "a.csv"
    path.write_text("tokens,tags\n" + "".join(f"Si Ana {i},O B-PER O\n" for i in range(12)), encoding="utf-8")
    assert read(path, kind="tag")[0] == data

    path = tmp_path / "a.conllu"
    block = "1\tSi\t_\tO\t_\t_\t_\t_\t_\t_\n2\tAna\t_\tB-PER\t_\t_\t_\t_\t_\t_\n3\t{}\t_\tO\t_\t_\t_\t_\t_\t_\n\n"
    path.write_text("".join(block.format(i) for i in range(12)), encoding="utf-8")
    assert read(path)[0] == data


def test_names_of_integer_labels(tmp_path: Path) -> None:
    feature = {"names": ["neg", "pos"], "_type": "ClassLabel"}
    table = pa.Table.from_pylist([{"text": f"salita {i}", "label": i % 2} for i in range(20)])
    parquet.write_table(table, tmp_path / "plain.parquet")
    assert read(tmp_path / "plain.parquet")[0].labels == ("0", "1")
    noted = {b"huggingface": json.dumps({"info": {"features": {"label": feature}}}).encode()}
    parquet.write_table(table.replace_schema_metadata(noted), tmp_path / "named.parquet")
    data, lines = read(tmp_path / "named.parquet")
    assert data.labels == ("neg", "pos") and len(lines) == 1


def test_a_column_is_chosen_by_its_values_and_by_the_task(tmp_path: Path) -> None:
    both = [{**row, "tokens": [str(row["text"])], "sentiment": row["label"], "topic": "x"} for row in rows(20)]
    path = write(tmp_path / "a.jsonl", [{k: v for k, v in row.items() if k != "label"} for row in both])
    _, lines = read(path)
    assert "text column: text, label column: sentiment" in lines[0]
    with pytest.raises(
        InputError, match="columns sentiment, topic may all hold the labels; columns are text, tokens, "
    ):
        read(path, name="mood")
    _, lines = read(path, name="mood", label_column="sentiment", text_column="text")
    assert "text column: text, label column: sentiment" in lines[0]


def test_texts_of_test_that_are_also_in_train_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(20))
    write(tmp_path / "validation.jsonl", rows(4, 30))
    write(tmp_path / "test.jsonl", [{"text": "SALITA 3.", "label": "pos"}, *rows(4, 40), *rows(1, 0)])
    assert read(tmp_path)[1][1:] == ("2 of 6 test examples are also in train (but for case and punctuation)",)


def test_labels_that_train_lacks_are_told(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(20))
    write(tmp_path / "validation.jsonl", rows(4, 30))
    write(tmp_path / "test.jsonl", [*rows(4, 40), {"text": "bago", "label": "mixed"}])
    data, lines = read(tmp_path)
    assert lines[1:] == ("labels of test that train lacks: mixed; no model can get their 1 places right",)
    assert data.labels == ("neg", "pos")
    write(tmp_path / "test.jsonl", [{"text": f"bago {i}", "label": "mixed"} for i in range(5)])
    with pytest.raises(InputError, match=r"no label of the test part \(mixed\) occurs in train \(neg, pos\); if its"):
        read(tmp_path)


def test_a_test_part_without_labels_is_left_aside(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(20))
    write(tmp_path / "validation.jsonl", rows(4, 30))
    write(tmp_path / "test.jsonl", [{"text": f"bago {i}", "label": -1} for i in range(5)])
    data, lines = read(tmp_path)
    assert sizes(data) == (18, 2, 4) and "test is the source's validation part" in lines[0]
    assert [item.words for item in data.test] == [(row["text"],) for row in rows(4, 30)]


@pytest.mark.parametrize(
    ("examples", "fields", "words"),
    [
        ([{"text": f"a {i}", "label": "x"} for i in range(20)], {}, r"one label only \('x' in column 'label'\)"),
        (rows(9), {}, "9 different texts to learn from, expected at least 10"),
        (rows(1) * 30, {}, "1 different texts to learn from, expected at least 10"),
        ([{"text": f"a {i}", "label": f"b {i}"} for i in range(60)], {}, "60 different labels for 60 examples"),
        ([{"text": f"a {i}", "label": f"b {i}"} for i in range(12)], {}, "too few examples of each label"),
        (
            [{"komento": "a", "marka": "b"}],
            {},
            "no column with a usual name for labels; columns are komento, marka; say",
        ),
        (
            [{"komento": "a", "label": "b"}],
            {},
            "no column with a usual name for texts; .* --text-column/--label-column",
        ),
        (rows(3), {"text_column": "txt"}, "no column 'txt'; columns are text, label; say which with --text-column"),
        (rows(3), {"text_column": "label"}, "'label' is asked for both text and label"),
        ([*rows(2), {"text": " ", "label": "a"}, {"text": "b"}], {}, "line 3: no 'text' or no 'label' in 2 of 4 rows"),
        ([{"text": "a", "label": ["x"]}], {"kind": "classify"}, r"'label' is a list \(\['x'\]\), expected one label"),
        ([{"text": 7, "label": "x"}], {}, r"line 1: 'text' is a number \(7\), expected a text"),
        (
            [{"tokens": ["a", "b"], "tags": ["X"]}],
            {},
            "line 1: 2 words in 'tokens' but 1 tags in 'tags': a b; each word",
        ),
        ([{"tokens": ["a", "b"], "tags": ["X", None]}], {}, "line 1: a word without tag in 'tags'"),
        ([{"tokens": [1, 2], "tags": ["X", "X"]}], {}, "expected a list of words and one of tags"),
    ],
)
def test_mistakes_of_a_user(tmp_path: Path, examples: list, fields: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read(write(tmp_path / "a.jsonl", examples), **fields)
    assert str(tmp_path) in str(caught.value) and caught.value.exit_code == 5


def test_a_part_without_the_column_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(20))
    write(tmp_path / "test.jsonl", [{"sentence": "a", "label": "pos"}])
    with pytest.raises(InputError, match=r"test\.jsonl: no column 'text'; columns are sentence, label"):
        read(tmp_path)


def test_folders_that_do_not_tell_their_parts(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl"):
        write(tmp_path / "unnamed" / name, rows(20))
        write(tmp_path / "sets" / name.removesuffix(".jsonl") / "train.jsonl", rows(20))
    write(tmp_path / "twice" / "train.jsonl", rows(20))
    write(tmp_path / "twice" / "train.json", rows(20))
    write(tmp_path / "test-only" / "test.jsonl", rows(20))
    (tmp_path / "empty").mkdir()
    for name, words in {
        "unnamed": "2 data files, none named after its part; expected one file, or train, validation and test",
        "sets": "2 files for the train part: one/train.jsonl, two/train.jsonl; give the folder of one set",
        "twice": "2 files for the train part: train.json, train.jsonl; keep one of them",
        "test-only": "no train part, only test; add a file named train",
        "empty": "no data file; expected one file",
        "none": "no such file or folder; expected one, or starter:NAME, or org/name@commit of the hub",
    }.items():
        with pytest.raises(InputError, match=words):
            read(tmp_path / name)
    with pytest.raises(InputError, match="the starter kit has no such set; it has ner-sk, pos-mt, "):
        read("starter:nope")
    assert sizes(read(tmp_path / "sets" / "one")[0]) == (16, 2, 2)


def test_a_saved_task_is_read_back_with_every_line_break_of_unicode(tmp_path: Path) -> None:
    items = tuple(Item((f"a{mark}b",), ("x",)) for mark in ("\u2028", "\u2029", "\x85", "\n", "\r", "\x0b", "\x1c"))
    data = TaskData(CLASSIFY, ("x",), items, items[:2], ())
    save_task(data, tmp_path)
    assert load_task(tmp_path) == data
