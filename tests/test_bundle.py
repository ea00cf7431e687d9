"""The folder a user ships: made from a tiny checkpoint and a graph written here, loaded as an app would load it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml
from onnx import TensorProto, helper, numpy_helper
from transformers import AutoTokenizer, BertForMaskedLM

from edgeenc.bundle.assemble import Contents, assemble, check, load_golden_tokenizer, replay
from edgeenc.errors import GateError, InputError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.record.facts import Facts
from edgeenc.record.form import parse, plain

FILES = {
    *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("vocab.txt", "onnx/model.onnx", "onnx/model_quantized.onnx", "README.md", "recipe.yaml", "golden.jsonl"),
    *("report/report.html", "report/report.md", "report/report.json", "manifest.json"),
}
FACTS = Path(__file__).parent / "data" / "report_facts.json"


def table_of(encoder: Encoder) -> np.ndarray:
    return encoder.model.state_dict()["bert.embeddings.word_embeddings.weight"].numpy()


def table_graph(path: Path, encoder: Encoder, scale: float) -> Path:
    """Write a graph whose output at a token is its row of the encoder's table times `scale`; inputs are BERT's."""
    rows = table_of(encoder) * np.float32(scale)
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in names]
    outputs = [
        helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", rows.shape[1]])
    ]
    nodes = [
        helper.make_node("Add", ["input_ids", "token_type_ids"], ["sum"]),
        helper.make_node("Mul", ["sum", "attention_mask"], ["ids"]),
        helper.make_node("Gather", ["table", "ids"], ["last_hidden_state"]),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [numpy_helper.from_array(rows, "table")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def contents(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """Return what goes into a bundle; among the lines is one longer than the model has positions."""
    place = tmp_path_factory.mktemp("contents")
    save_encoder(tiny_encoder, place / "student")
    (place / "student" / "manifest.json").write_text("{}")
    return Contents(
        checkpoint=place / "student",
        files={
            "fp32": table_graph(place / "fp32.onnx", tiny_encoder, 1.0),
            "int8": table_graph(place / "int8.onnx", tiny_encoder, 0.5),
        },
        lines=(*sentences, " ".join(sentences)),
        recipe="name: starter\n",
        facts=parse(Facts, FACTS.read_bytes()),
    )


@pytest.fixture(scope="module")
def bundle(contents: Contents, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an assembled bundle; do not change it."""
    folder = tmp_path_factory.mktemp("out") / "tl"
    assemble(contents, folder)
    return folder


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    """Return a bundle that may be damaged."""
    return Path(shutil.copytree(bundle, tmp_path / "copy"))


def golden(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "golden.jsonl").read_text("utf-8").splitlines()]


def alone(folder: Path, code: str) -> str:
    """Run `code` inside `folder`, in a process where torch, transformers and optimum cannot be imported."""
    block = "import sys\nfor name in ('torch', 'transformers', 'optimum', 'onnx'): sys.modules[name] = None\n"
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", f"{block}sys.path.append({str(root)!r})\n{code}"],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_bundle_has_these_files_and_no_other(bundle: Path) -> None:
    assert {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()} == FILES


def test_the_manifest_has_the_hash_of_every_other_file(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert manifest["edgeenc_bundle"] == 1
    assert set(manifest["files"]) == FILES - {"manifest.json"}
    for name, stamp in manifest["files"].items():
        raw = (bundle / name).read_bytes()
        assert stamp == {"sha256": sha256(raw).hexdigest(), "bytes": len(raw)}
    assert manifest["seconds"]["adapt"] == 96.4
    assert manifest["host"]["cores"] == 2
    assert manifest["versions"]["torch"] == "2.13.0"
    assert manifest["language"] == "tl"
    assert plain(check(bundle)) == manifest["files"]


def test_golden_texts_are_those_of_the_int8_file_and_cut_at_the_positions(bundle: Path, tiny_encoder: Encoder) -> None:
    rows = golden(bundle)
    cls = tiny_encoder.tokenizer.token_to_id("[CLS]")
    table = table_of(tiny_encoder) * np.float32(0.5)
    assert len(rows) == 21
    assert [len(row["text"]) for row in rows] == sorted(len(row["text"]) for row in rows)
    for row in rows[:-1]:
        assert row["ids"] == tiny_encoder.tokenizer.encode(row["text"]).ids
    assert len(rows[-1]["ids"]) == 64
    assert rows[-1]["ids"][-1] == tiny_encoder.tokenizer.token_to_id("[SEP]")
    for row in rows:
        assert row["output"] == [round(float(v), 6) for v in table[cls, :8]]


def test_of_many_texts_24_are_taken_from_the_shortest_to_the_longest(contents: Contents, tmp_path: Path) -> None:
    lines = tuple(f"Ang aso {'ay ' * n}natutulog." for n in range(60))
    assemble(replace(contents, lines=lines[::-1]), tmp_path / "out")
    texts = [row["text"] for row in golden(tmp_path / "out")]
    assert len(texts) == len(set(texts)) == 24
    assert (texts[0], texts[-1]) == (lines[0], lines[-1])


def test_transformers_loads_it_unchanged(bundle: Path, tiny_encoder: Encoder) -> None:
    model = BertForMaskedLM.from_pretrained(bundle, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(bundle, local_files_only=True)
    text = golden(bundle)[3]["text"]
    ids_BT = torch.tensor([tokenizer(text)["input_ids"]])
    assert ids_BT[0].tolist() == golden(bundle)[3]["ids"]
    with torch.no_grad():
        assert torch.equal(model(ids_BT).logits, tiny_encoder.model(ids_BT).logits)
    assert load_encoder(bundle).shape == tiny_encoder.shape


def test_it_loads_with_numpy_tokenizers_and_onnxruntime_alone(bundle: Path) -> None:
    code = """
import json, numpy as np, onnxruntime
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.enable_truncation(json.load(open("tokenizer_config.json"))["model_max_length"])
session = onnxruntime.InferenceSession("onnx/model_quantized.onnx")
worst = 0.0
for row in map(json.loads, open("golden.jsonl", encoding="utf-8")):
    assert tokenizer.encode(row["text"]).ids == row["ids"]
    ids = np.array([row["ids"]])
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    worst = max(worst, np.abs(session.run(None, feeds)[0][0, 0, :8] - row["output"]).max())
print(worst < 1e-6)
"""
    assert alone(bundle, code) == "True"


def test_the_example_of_the_model_card_runs(bundle: Path) -> None:
    card = (bundle / "README.md").read_text("utf-8")
    example = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)[0]
    assert float(alone(bundle, example)) < 1e-6


def test_our_own_check_and_replay_need_no_torch(bundle: Path) -> None:
    code = (
        "from pathlib import Path; from edgeenc.bundle.assemble import check, replay;"
        " check(Path('.')); print(replay(Path('.')))"
    )
    assert alone(bundle, code) == "0.0"


def test_the_model_card_says_what_it_is(bundle: Path) -> None:
    card = (bundle / "README.md").read_text("utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["language"] == "tl"
    assert front["pipeline_tag"] == "feature-extraction"
    assert front["license"] == "cc-by-sa-4.0"
    assert front["tags"] == ["edgeenc", "onnx", "transformers.js", "bert", "tgl"]
    assert "data/annotated/tgl\\_Latn (train+validation) | 593cea885199" in card, "a source that asks to be named"
    assert "# Tagalog encoder (tl)\n\n2.73 MB (int8), 94.56 % smaller" in card
    assert 'dtype: "q8"' in card
    assert "tokenizer.enable_truncation(64)" in card
    assert "(1, tokens, 192)" in card  # the hidden size that the facts state


def test_without_int8_the_fp32_file_is_the_one_to_load(contents: Contents, tmp_path: Path) -> None:
    assemble(replace(contents, files={"fp32": contents.files["fp32"]}), tmp_path / "out")
    assert not (tmp_path / "out" / "onnx" / "model_quantized.onnx").exists()
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert 'InferenceSession("onnx/model.onnx")' in card
    assert 'dtype: "fp32"' in card
    assert replay(tmp_path / "out") == 0.0


def test_the_same_contents_give_the_same_bytes(contents: Contents, bundle: Path, tmp_path: Path) -> None:
    assemble(contents, tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (bundle / name).read_bytes(), name


def test_every_damaged_file_is_named(copy: Path) -> None:
    (copy / "vocab.txt").unlink()
    (copy / "recipe.yaml").write_text("name: other!!\n")
    raw = bytearray((copy / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (copy / "model.safetensors").write_bytes(raw)
    expected = (
        r"model\.safetensors has another sha256; recipe\.yaml has another sha256; vocab\.txt is missing; build it again"
    )
    with pytest.raises(InputError, match=expected):
        check(copy)
    (copy / "recipe.yaml").write_text("")
    with pytest.raises(InputError, match=r"recipe\.yaml has 0 bytes, not 14"):
        check(copy)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"edgeenc_bundle": 1}'])
def test_a_folder_that_is_no_bundle(copy: Path, text: str) -> None:
    (copy / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json cannot be read .*; a folder made by edgeenc is expected"):
        check(copy)
    (copy / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
        check(copy)


def test_a_bundle_of_a_later_version(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    (copy / "manifest.json").write_text(json.dumps(manifest | {"edgeenc_bundle": 2}))
    with pytest.raises(InputError, match=r"version 2 is not known; expected 1; update edgeenc"):
        check(copy)


def test_replay_sees_another_model_and_another_tokenizer(copy: Path) -> None:
    (copy / "onnx" / "model_quantized.onnx").write_bytes((copy / "onnx" / "model.onnx").read_bytes())
    first = np.abs(golden(copy)[0]["output"]).max()
    assert replay(copy) == pytest.approx(first, rel=1e-4)  # twice the values, so off by their own size
    tokenizer = load_golden_tokenizer(copy)
    tokenizer.enable_truncation(3)
    rows = golden(copy)
    rows[0]["ids"] = tokenizer.encode(rows[0]["text"]).ids
    (copy / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(GateError, match=r"other tokens than stored in .*golden\.jsonl for"):
        replay(copy)
    (copy / "golden.jsonl").write_text("{")
    with pytest.raises(InputError, match=r"golden\.jsonl cannot be read"):
        replay(copy)


def test_what_cannot_become_a_bundle(contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"has no model\.safetensors, config\.json, .*tokens_map\.json; a checkpoint"):
        assemble(replace(contents, checkpoint=tmp_path / "empty"), tmp_path / "out")
    with pytest.raises(InputError, match=r"exported as nothing; expected fp32 or int8"):
        assemble(replace(contents, files={}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=r"19 distinct texts in the test split, at least 20 are needed"):
        assemble(replace(contents, lines=(*contents.lines[:19], contents.lines[0], " ")), tmp_path / "out")
