"""The clock: arithmetic by hand, the order of the turns, and one real run in a fresh process on graphs made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from edgeenc.bench import turns as latency
from edgeenc.bench.turns import compare_latency, paired_ratio, timing
from edgeenc.bench.turns_process import turns
from edgeenc.errors import HostError, InputError, UsageError
from edgeenc.record.form import parse, plain
from edgeenc.record.latency import Latency, Ratio, Samples

TEXT = ["isa dalawa tatlo", "isa", "dalawa tatlo isa dalawa tatlo isa dalawa"]


def word_tokenizer(path: Path, words: tuple[str, ...]) -> Path:
    """Write a tokenizer that knows `words` whole; any other word is one unknown token for each letter."""
    vocabulary = {token: number for number, token in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words))}
    letters = sorted({c for line in TEXT for c in line if c != " "})
    for token in [*letters, *(f"##{c}" for c in letters)]:
        vocabulary.setdefault(token, len(vocabulary))
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))
    return path


def gather_graph(path: Path, rows: int, layers: int) -> Path:
    """Write a graph that gathers rows of 32 and multiplies them `layers` times: an encoder, for a clock."""
    rng = np.random.default_rng(0)
    table = numpy_helper.from_array(rng.normal(size=(rows, 32)).astype(np.float32), "table")
    square = numpy_helper.from_array(rng.normal(size=(32, 32)).astype(np.float32) / 6, "square")
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["h0"])]
    nodes += [helper.make_node("MatMul", [f"h{i}", "square"], [f"h{i + 1}"]) for i in range(layers)]
    nodes.append(helper.make_node("Identity", [f"h{layers}"], ["last_hidden_state"]))
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", 32])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [table, square])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def contest(tmp_path: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return a slow and a fast graph; the slow one's tokenizer knows all words, the other's only `isa`."""
    (tmp_path / "fast").mkdir()
    word_tokenizer(tmp_path / "fast" / "tokenizer.json", ("isa",))
    tokenizers = {"slow": word_tokenizer(tmp_path / "slow.json", ("isa", "dalawa", "tatlo")), "fast": tmp_path / "fast"}
    graphs = {
        "slow": gather_graph(tmp_path / "slow.onnx", 60, 600),
        "fast": gather_graph(tmp_path / "fast.onnx", 60, 1),
    }
    return graphs, tokenizers


def test_a_contest_in_a_fresh_process(contest: tuple[dict[str, Path], dict[str, Path]]) -> None:
    graphs, tokenizers = contest
    result = compare_latency(graphs, tokenizers, TEXT, rounds=3)
    slow, fast = result.models["slow"], result.models["fast"]
    # whole words, and [CLS] and [SEP]; letter by letter: dalawa 6, tatlo 5, isa 1
    assert slow.tokens == (5, 3, 9)
    assert fast.tokens == (1 + 6 + 5 + 2, 1 + 2, 6 + 5 + 1 + 6 + 5 + 1 + 6 + 2)
    assert slow.tokens_per_sentence == pytest.approx(17 / 3, abs=1e-5)
    for model in (slow, fast):
        assert np.asarray(model.model_ms).shape == np.asarray(model.tokenizer_ms).shape == (3, 3)
        assert np.asarray(model.model_ms).min() > 0
    assert (result.threads, result.batch, result.rounds, result.sentences) == (1, 1, 3, 3)
    assert result.baseline == "slow"
    assert list(result.ratio) == ["fast"]
    assert result.ratio["fast"].median < 0.5  # 1 product against 600
    assert slow.bytes == graphs["slow"].stat().st_size
    assert parse(Latency, json.dumps(plain(result))) == result


def test_sentences_are_cut_at_the_positions(contest: tuple[dict[str, Path], dict[str, Path]]) -> None:
    result = compare_latency(*contest, TEXT, rounds=1, longest=4)
    assert result.models["fast"].tokens == (4, 3, 4)


def test_models_change_turns() -> None:
    assert [turns(["a", "b"], n) for n in range(3)] == [["a", "b"], ["b", "a"], ["a", "b"]]
    assert turns(["a", "b", "c"], 1) == ["c", "b", "a"]


def test_timing_by_hand() -> None:
    found = timing(Samples(tokens=(4, 7), model_ms=((1, 2, 3), (4, 4, 8)), tokenizer_ms=((1, 1, 5), (3, 3, 3))), 99)
    assert found.p50 == 3.0
    assert found.p90 == 3.8
    assert found.spread == 1.0
    assert found.tokenizer_p50 == 2.0
    assert found.tokens_per_sentence == 5.5
    assert found.model_ms == ((1, 2, 3), (4, 4, 8))


def test_the_ratio_is_of_pairs_and_not_of_medians() -> None:
    assert paired_ratio([[1, 2]], [[4, 4]]) == Ratio(median=0.375, q25=0.375, q75=0.375)
    # the machine slowed down ten times in the second round, for both: the ratio does not notice
    assert paired_ratio([[1, 10, 1]], [[2, 20, 2]]).median == 0.5
    # three sentences with 0.1, 0.2 and 0.4: quartiles halfway between neighbours
    assert paired_ratio([[1], [2], [4]], [[10], [10], [10]]) == Ratio(median=0.2, q25=0.15, q75=0.3)


def test_a_noisy_host_is_said_to_be_noisy(
    contest: tuple[dict[str, Path], dict[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def samples(spread: float) -> dict[str, Samples]:
        one = Samples(tokens=(3,), model_ms=((1.0, 1.0 + spread),), tokenizer_ms=((0.1, 0.1),))
        return {"slow": one, "fast": one}

    for spread, noisy in ((0.1, False), (0.5, True)):
        monkeypatch.setattr(latency, "_in_child", lambda request, spread=spread: samples(spread))
        assert compare_latency(*contest, ["isa"], rounds=2).noisy is noisy


def test_mistakes_are_named(contest: tuple[dict[str, Path], dict[str, Path]], tmp_path: Path) -> None:
    graphs, tokenizers = contest
    with pytest.raises(UsageError, match=r"models are slow, fast, tokenizers slow; one tokenizer for each model"):
        compare_latency(graphs, {"slow": tokenizers["slow"]}, TEXT)
    with pytest.raises(UsageError, match=r"0 sentences and 5 rounds"):
        compare_latency(graphs, tokenizers, [])
    with pytest.raises(InputError, match=r"gone\.onnx: no such file"):
        compare_latency(graphs | {"slow": tmp_path / "gone.onnx"}, tokenizers, TEXT)
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(HostError, match=r"the measuring process ended with code 1 \(.*bad\.onnx"):
        compare_latency(graphs | {"slow": tmp_path / "bad.onnx"}, tokenizers, TEXT)
