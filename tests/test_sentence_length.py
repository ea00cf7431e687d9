"""To how many tokens sentence vectors cut texts: as the teacher's folder says, or the recipe, in every reader alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from line import edgeenc, make_world
from sentences import publish, recipe_for, write
from tokenizers import Tokenizer

from edgeenc.asked import plan_for
from edgeenc.bench.subject import read_subject
from edgeenc.bundle import gate_text, recheck
from edgeenc.bundle.gate_text import GateBatch
from edgeenc.bundle.load import load_bundle
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.purpose import Purpose
from edgeenc.model.sentence_head import SentenceHead, max_sequence
from edgeenc.model.sentence_spec import SentenceSpec
from edgeenc.record.ask import Ask
from edgeenc.store import Store


def said(folder: Path, name: str, field: str) -> object:
    return json.loads((folder / name).read_text("utf-8"))[field]


@pytest.mark.export
@pytest.mark.parametrize(("recipe", "cut"), [("", 12), ("sentence: {max_seq_length: 9}\n", 9)])
def test_what_the_teacher_cuts_the_student_cuts(
    recipe: str,
    cut: int,
    tiny_encoder: Encoder,
    sentences: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    widest = dict[str, int]()
    for module in (gate_text, recheck):  # the step reads the function when it runs, `edgeenc verify` has its name
        monkeypatch.setattr(module, "gate_batches", spied(module.__name__, widest))
    teacher, world = publish("minilm", sentences, tmp_path / "own"), make_world(tiny_encoder, sentences, tmp_path)
    write(teacher / "sentence_bert_config.json", {"max_seq_length": 12, "do_lower_case": False})
    asked = ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(recipe_for(teacher, tmp_path, recipe))]
    out = tmp_path / "out"
    done = edgeenc("build", *asked, "--threads", "1", "--store", str(tmp_path / "store"), "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert f"of {cut} tokens at most" in " ".join((done.stdout + done.stderr).split())
    assert said(out, "sentence_bert_config.json", "max_seq_length") == cut
    assert said(out, "tokenizer_config.json", "model_max_length") == cut
    assert f"enable_truncation({cut})" in (out / "README.md").read_text("utf-8")
    bundle = load_bundle(out)
    words = " ".join(sentences).split()
    one, other = bundle([" ".join(words[:20]), " ".join([*words[:20], *words[30:40]])])
    np.testing.assert_array_equal(one, other)
    gates = {gate["name"]: gate for gate in json.loads((out / "report" / "report.json").read_text())["gates"]}
    assert all(gates[f"{name}"]["passed"] for name in ("sentence-transformers", "int8 fastembed"))
    assert edgeenc("verify", str(out)).returncode == 0
    assert widest == {gate_text.__name__: cut, recheck.__name__: cut}
    timed = json.loads((out / "report" / "report.json").read_text())["latency"]["models"].values()
    assert [max(model["tokens"]) for model in timed] == [cut] * 3, (
        "teacher, fp32 and int8 are timed on what an app reads"
    )
    assert (
        max(len(row["ids"]) for row in map(json.loads, (out / "golden.jsonl").read_text("utf-8").splitlines())) == cut
    )
    text = tmp_path / "long.txt"
    text.write_text(" ".join(words[:60]) + "\n", encoding="utf-8")
    few = ["--precision", "fp32", "--runs", "1", "--seconds", "0", "--rounds", "1", "--text", str(text), "--json"]
    rows = json.loads(edgeenc("bench", str(out), "--seq-len", f"own,{cut + 1}", *few).stdout)["rows"]
    assert {row["tokens_per_sentence"] for row in rows if row["seq_len"] is None} == {cut}
    assert {row["reason"] for row in rows if row["seq_len"]} == {f"the model reads texts of {cut} tokens at most"}


def spied(name: str, widest: dict[str, int]) -> Callable[..., tuple[GateBatch, ...]]:
    """Return what makes the batches of gates, and notes how wide the widest is."""
    made = gate_text.gate_batches

    def gate_batches(
        lines: Sequence[str], tokenizer: Tokenizer, positions: int, purpose: Purpose
    ) -> tuple[GateBatch, ...]:
        batches = made(lines, tokenizer, positions, purpose)
        widest[name] = max(batch.ids_BT.shape[1] for batch in batches)
        return batches

    return gate_batches


def test_a_model_is_given_as_many_tokens_as_it_reads(sentences: tuple[str, ...], tmp_path: Path) -> None:
    """XLM-R never uses its first two positions; sentence vectors may be of fewer tokens than that."""
    folder = publish("bge-m3", sentences, tmp_path / "tiny")
    subject = read_subject(str(folder))
    assert (subject.shape.positions, subject.longest) == (66, 64)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12}', encoding="utf-8")
    assert read_subject(str(folder)).longest == 12


def test_a_plan_says_how_many_tokens_are_read_and_not_how_many_were_asked_for(
    tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    head = SentenceHead(max_length=600)
    assert "tokens at most" not in head.words(32, 64) and ", of 600 tokens at most" in head.words(32, 4096)
    teacher, world = publish("minilm", sentences, tmp_path / "own"), make_world(tiny_encoder, sentences, tmp_path)
    store, corpus = Store(tmp_path / "store"), (str(world.corpus),)
    recipe = recipe_for(teacher, tmp_path, "sentence: {max_seq_length: 600}\n")
    notes = plan_for(Ask(language="ilo", corpus=corpus, recipe=str(recipe)), store, 1).notes
    assert "sentence.max_seq_length is 600: the encoder reads 64 tokens, so texts are cut there" in notes
    assert not any("at most" in note for note in notes)
    text = world.recipe.read_text("utf-8").replace("max_length: 32", "max_length: 65").replace("[16, 32]", "[16, 128]")
    world.recipe.write_text(text, "utf-8")
    asked = Ask(language="ilo", corpus=corpus, recipe=str(world.recipe))
    said = "is {}: the encoder reads 64 tokens, so texts are cut there"
    trained = [
        f"{name}: the longest of sequence_lengths {said.format(128)}" for name in ("adapt", "distill", "student")
    ]
    assert list(plan_for(asked, store, 1).notes)[-3:] == trained
    task = replace(asked, task="sentiment", data=str(world.folder / "reviews.csv"))
    assert plan_for(task, store, 1).notes[-1] == f"fine_tuning.max_length {said.format(65)}"


def test_only_vectors_that_are_cut_change_the_keys_of_a_plan(
    tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    teacher, world = publish("minilm", sentences, tmp_path / "own"), make_world(tiny_encoder, sentences, tmp_path)

    def cuts(more: str, purpose: str = "sentence-embedding") -> list[object]:
        recipe = str(recipe_for(teacher, tmp_path, more))
        ask = Ask(language="ilo", corpus=(str(world.corpus),), recipe=recipe, export_task=purpose)
        steps = plan_for(ask, Store(tmp_path / "store"), 1).steps
        return [step.fields.get("max_seq_length") for step in steps if step.name in ("verify", "bench")]

    assert cuts("") == cuts("sentence: {max_seq_length: 600}\n") == [None, None]
    assert cuts("sentence: {max_seq_length: 9}\n") == [9, 9]
    assert cuts("sentence: {max_seq_length: 9}\n", "feature-extraction") == [None, None]


def test_the_vectors_of_an_encoder_are_of_as_many_tokens_as_its_head_says(tiny_encoder: Encoder) -> None:
    assert tiny_encoder.longest_text == 64
    assert replace(tiny_encoder, sentence=SentenceHead(max_length=12)).longest_text == 12
    assert replace(tiny_encoder, sentence=SentenceHead(max_length=600)).longest_text == 64


def test_no_less_than_the_encoder_reads_cuts_nothing(sentences: tuple[str, ...], tmp_path: Path) -> None:
    teacher = publish("minilm", sentences, tmp_path / "own")
    for most, found in ((None, None), (64, None), (512, None), (63, 63)):
        write(teacher / "sentence_bert_config.json", {"max_seq_length": most})
        assert max_sequence(teacher) == found
    for odd in (0, "many", True, 2.5):
        write(teacher / "sentence_bert_config.json", {"max_seq_length": odd})
        with pytest.raises(InputError, match="max_seq_length is"):
            max_sequence(teacher)


def test_a_recipe_says_another_length() -> None:
    head = SentenceHead(max_length=12)
    assert SentenceSpec().over(head).max_length == 12
    assert SentenceSpec(max_seq_length=9).over(head).max_length == 9
    assert (head.reads(64), head.reads(8), SentenceHead().reads(64)) == (12, 8, 64)
    with pytest.raises(ValueError, match="max_seq_length"):
        SentenceSpec(max_seq_length=2)
