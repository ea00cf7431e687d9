"""To how many tokens sentence vectors cut texts: as the teacher's folder says, or the recipe, in every reader alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from line import edgeenc, make_world
from sentences import publish, recipe_for, write

from edgeenc.bundle.load import load_bundle
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead, max_sequence
from edgeenc.model.sentence_spec import SentenceSpec


def said(folder: Path, name: str, field: str) -> object:
    return json.loads((folder / name).read_text("utf-8"))[field]


@pytest.mark.export
@pytest.mark.parametrize(("recipe", "cut"), [("", 12), ("sentence: {max_seq_length: 9}\n", 9)])
def test_what_the_teacher_cuts_the_student_cuts(
    recipe: str, cut: int, tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path
) -> None:
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
