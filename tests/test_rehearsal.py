"""Random teachers of published shapes: their tokenizers, and that nobody takes them for real ones."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from line import edgeenc, make_world
from tokenizers import Tokenizer

from edgeenc.errors import InputError
from edgeenc.kinds import added
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.families import family_of
from edgeenc.model.random import random_encoder
from edgeenc.sources import SEED, data_folder, described, teacher_folder
from edgeenc.sources.rehearsal import known_shapes, random_folder
from edgeenc.text.types.word_piece import TYPE as WORD_PIECE

TINY = {
    "model_type": "bert", "vocab_size": 30_010, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
    "intermediate_size": 48, "max_position_embeddings": 64, "type_vocab_size": 2, "pad_token_id": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    return f"random:{path}"


@pytest.mark.parametrize("name", ["bert-base-multilingual-cased", "google-bert/bert-base-multilingual-cased@main"])
def test_the_tokenizer_has_the_published_size_and_reads_all_of_the_text_with_pieces_of_the_kit(
    name: str, sentences: tuple[str, ...]
) -> None:
    folder = teacher_folder(f"random:{name}", offline=True)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "tokenizer.json"]
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    kit = set(Tokenizer.from_file(str(data_folder("starter") / "model" / "tokenizer.json")).get_vocab())
    assert made.get_vocab_size() == 119_547
    assert [made.token_to_id(name) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [0, 1, 2, 3, 4]
    for sentence in sentences:
        found = made.encode(sentence)
        assert (found.ids[0], found.ids[-1], 1 in found.ids) == (2, 3, False)
        inner = [(f"\u2581{token}", token.removeprefix("##")) for token in found.tokens[1:-1]]
        assert all(first in kit or later in kit for first, later in inner)
        assert len(inner) < 2.2 * len(sentence.split())
    unused = {number for token, number in made.get_vocab().items() if token.startswith("[unused")}
    assert not unused & set(made.encode("[unused7] [unused0]").ids), "a made-up token occurs in no text"


def test_a_unigram_tokenizer_is_laid_out_as_the_published_one_and_reads_all_of_the_text() -> None:
    made = Tokenizer.from_file(str(random_folder("random:xlm-roberta-base") / "tokenizer.json"))
    assert made.get_vocab_size() == 250_002
    assert [made.token_to_id(name) for name in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")] == [0, 1, 2, 3, 250_001]
    with lzma.open(data_folder("starter") / "text" / "tl.heldout.txt.xz", "rt", encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    counts = np.bincount([number for line in made.encode_batch(lines) for number in line.ids], minlength=250_002)
    words = sum(len(line.split()) for line in lines)
    assert counts[0] == counts[2] == len(lines)
    assert counts[3] / counts.sum() < 0.001
    assert 1 < counts[4:].sum() / words < 2
    assert made.encode("unused 7").ids == [0, *made.encode("unused 7", add_special_tokens=False).ids, 2]
    assert made.token_to_id("unused 7") not in made.encode("unused 7").ids
    assert made.encode("<mask>").ids == [0, 250_001, 2]
    assert made.decode(made.encode("Kumusta ka, aso?").ids) == "Kumusta ka, aso?"


def test_making_it_again_gives_the_same_bytes(tiny: str) -> None:
    folder = random_folder(tiny)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    assert random_folder(tiny) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_smaller_vocabulary_has_the_first_pieces_of_the_kit(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY | {"vocab_size": 900}))
    made = Tokenizer.from_file(str(random_folder(f"random:{path}") / "tokenizer.json"))
    kit = Tokenizer.from_file(str(data_folder("starter") / "model" / "tokenizer.json"))
    assert made.get_vocab_size() == 900
    own = [made.id_to_token(number) for number in range(5, 900)]
    bare = [token.removeprefix("##") for token in own]
    first = [kit.id_to_token(number).removeprefix("\u2581") for number in range(4, 900)]
    assert set(bare) <= set(first) and "" not in bare
    assert all({token, f"##{token}"} <= set(own) for token in bare[:-1] if len(token) == 1)


def test_the_weights_come_from_the_seed(tiny: str) -> None:
    one, same = (random_encoder(random_folder(tiny), SEED).model.state_dict() for _ in range(2))
    other = random_encoder(random_folder(tiny), SEED + 1).model.state_dict()
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert torch.equal(one[name], same[name])
    assert not torch.equal(one[name], other[name])
    assert one["bert.embeddings.word_embeddings.weight"].shape == (30_010, 64)
    norms = [tensor for name, tensor in one.items() if name.endswith("LayerNorm.bias")]
    assert not any(torch.equal(norms[0], norm) for norm in norms[1:]), "equal tensors would be exported once"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            "random:starter",
            "teacher starter: no such shape is known.*--teacher: bert-base-multilingual-cased, ",
        ),
        ("random:/no/config.json", "cannot be read as JSON"),
        ("random:", "no such shape"),
    ],
)
def test_a_shape_that_is_not_known_is_refused_with_the_known_ones(spec: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        teacher_folder(spec, offline=True)


def test_a_family_without_a_rule_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY | {"model_type": "gpt2"}))
    with pytest.raises(InputError, match=r"no tokenizer can be made up for 'gpt2', only for bert"):
        teacher_folder(f"random:{path}", offline=True)


def test_a_type_of_tokenizers_says_itself_how_one_is_made_up(tmp_path: Path) -> None:
    made = replace(WORD_PIECE, name="ToyPiece", made_up=lambda pieces, size: f"toy {size} of {len(pieces)}")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY | {"model_type": "toybert"}))
    toy = replace(family_of("bert"), name="toybert", tokenizer="ToyPiece")
    with added("edgeenc.model.families", toy):
        with added("edgeenc.text.types", made):
            written = (random_folder(f"random:{path}") / "tokenizer.json").read_text()
        path.write_text(json.dumps(TINY | {"model_type": "toybert", "hidden_size": 32}))
        with pytest.raises(InputError, match="no tokenizer can be made up for 'toybert'"):
            random_folder(f"random:{path}")
    assert written.startswith(f"toy {TINY['vocab_size']} of ")


def test_reports_say_that_the_weights_are_random() -> None:
    assert described("random:bert-base") == "random weights in the shape of bert-base"
    assert described("starter") == "starter"
    assert "bert-base-multilingual-cased" in known_shapes()


def test_a_plan_says_so_and_its_key_is_no_other_teachers(
    tiny: str, tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    world = make_world(tiny_encoder, sentences, tmp_path)
    words = ["plan", "--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe)]
    words += ["--store", str(tmp_path / "store"), "--threads", "1", "--json"]
    path = tiny.removeprefix("random:")
    flag = json.loads(edgeenc(*words, "--teacher", path, "--random-teacher").stdout)
    name = json.loads(edgeenc(*words, "--teacher", tiny).stdout)
    folder = json.loads(edgeenc(*words, "--teacher", str(world.teacher)).stdout)
    bare = edgeenc(*words, "--teacher", str(random_folder(tiny)))
    assert (bare.returncode, "model.safetensors is missing" in bare.stderr) == (5, True), "a folder without weights"
    assert flag == name
    assert flag["teacher"]["source"] == f"random weights in the shape of {path}"
    assert flag["steps"][1]["name"] == "teacher"
    assert flag["steps"][1]["key"] != folder["steps"][1]["key"]


@pytest.mark.export
def test_a_rehearsal_goes_through_every_step_and_is_marked_everywhere(
    tiny: str, tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    world = make_world(tiny_encoder, sentences, tmp_path)
    world.recipe.write_text(
        world.recipe.read_text()
        .replace("vocab_size: 112", "vocab_size: 700")
        .replace("hidden_size: 24", "hidden_size: 48")
    )
    done = edgeenc(*world.command(tmp_path / "store", tmp_path / "out", "--teacher", tiny))
    assert done.returncode == 0, done.stderr
    said = f"random weights in the shape of {tiny.removeprefix('random:')}"
    assert json.loads((tmp_path / "out/report/report.json").read_text())["teacher"]["source"] == said
    assert said in (tmp_path / "out/README.md").read_text().replace("\\", "")
    assert said in (tmp_path / "out/report/report.html").read_text()
    assert said in (tmp_path / "out/manifest.json").read_text()
    assert "random weights: a rehearsal" in done.stderr
    assert load_encoder(tmp_path / "out").shape.vocab == 700
