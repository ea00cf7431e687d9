"""Gates: their figures by hand, what they must refuse, and the shipped bounds on the shipped teacher."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from int8_host import EXACT
from tokenizers import Tokenizer

from edgeenc.bundle.gate import Exported, require
from edgeenc.bundle.gate_text import GateBatch, gate_batches
from edgeenc.bundle.gates import agreement, cosines, parity
from edgeenc.bundle.gates.kept_tokens import kept_tokens_gate
from edgeenc.bundle.gates.tokenizer import tokenizer_gate
from edgeenc.errors import GateError, InputError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.purpose import Purpose, purpose_named
from edgeenc.model.purposes.feature_extraction import FEATURE_EXTRACTION, mean_pool
from edgeenc.model.purposes.fill_mask import FILL_MASK
from edgeenc.model.purposes.token_classification import TOKEN_CLASSIFICATION
from edgeenc.recipe import Bounds, load_recipe
from edgeenc.record.gates import Gate
from edgeenc.sources import data_folder
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.quantize import quantize
from edgeenc.targets.sessions.ort_session import OrtSession
from edgeenc.targets.sessions.session import Ids, Output, Session
from edgeenc.targets.sessions.torch_session import encoder_session
from edgeenc.text.corpus import read_lines

BOUNDS = Bounds(parity=1e-4, mean_cosine=0.98, worst_cosine=0.9, top1_agreement=0.9)


def parity_gate(reference: Session, exported: Session, batches: Sequence[GateBatch], bound: float) -> Gate:
    return parity.parity_gate(Exported("fp32", exported, reference, rounded=False), batches, bound)


def int8_gates(fp32: Session, int8: Session, batches: Sequence[GateBatch], bounds: Bounds) -> tuple[Gate, ...]:
    file, bound_of = Exported("int8", int8, fp32, rounded=True), fp32.purpose.view.choices
    found = [] if bound_of is None else [agreement.agreement_gate(file, batches, bound_of(bounds))]
    return (*found, *cosines.cosine_gates(file, batches, bounds))


@pytest.fixture(scope="module")
def starter() -> Encoder:
    """Return the teacher that the package carries."""
    return load_encoder(data_folder("starter") / "model")


@dataclass(frozen=True)
class Fixed:
    """A session that answers with (B, T, 2) states made from the ids alone."""

    table: tuple[tuple[float, float], ...]
    purpose: Purpose = FEATURE_EXTRACTION

    def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
        return np.array(self.table, dtype=np.float32)[ids_BT]


def batch(ids: list[list[int]], attend: list[list[int]], masked: list[list[int]] | None = None) -> GateBatch:
    lines = tuple(f"line {i}" for i in range(len(ids)))
    masked_BT = np.array(masked if masked is not None else np.zeros_like(ids), dtype=np.bool_)
    return GateBatch(lines, np.array(ids), np.array(attend), masked_BT)


def test_batches_hold_every_line_and_the_extremes(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    tokenizer = tiny_encoder.tokenizer
    batches = gate_batches((*sentences, "  "), tokenizer, positions=64, purpose=FEATURE_EXTRACTION)
    assert [len(b.lines) for b in batches] == [1, 3, 8, 1, 3, 4, 3, 1, 2]
    assert tuple(line for b in batches[:6] for line in b.lines) == sentences
    words, longest, pair = batches[6:]
    assert words.lines == ("Ang", "Kumain", "Malayo")
    assert longest.ids_BT.shape == (1, 64) and longest.attend_BT.all()
    assert longest.ids_BT[0, -1] == tokenizer.token_to_id("[SEP]")
    assert pair.attend_BT.sum(axis=1).tolist() == [len(tokenizer.encode("Ang").ids), 64]
    for b in batches:
        for row, (line, attend) in enumerate(zip(b.lines, b.attend_BT, strict=True)):
            right = tokenizer.encode(line).ids
            if len(right) <= 64:
                assert b.ids_BT[row, attend == 1].tolist() == right
            assert (b.ids_BT[row, attend == 0] == tokenizer.token_to_id("[PAD]")).all()
        assert not b.masked_BT.any() and b.ids_BT.dtype == np.int64


def test_batches_for_a_masked_lm_hide_every_seventh_token(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    mask = tiny_encoder.tokenizer.token_to_id("[MASK]")
    for b in gate_batches(sentences, tiny_encoder.tokenizer, positions=64, purpose=FILL_MASK):
        lengths_B = b.attend_BT.sum(axis=1)
        for row, length in enumerate(lengths_B):
            assert np.flatnonzero(b.masked_BT[row]).tolist() == list(range(1, length - 1, 7))
        assert ((b.ids_BT == mask) == b.masked_BT).all()
        assert b.masked_BT.any(axis=1).all()


@pytest.mark.parametrize("lines", [(), ("", " ")])
def test_no_text_is_refused(tiny_encoder: Encoder, lines: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="the gates have no text"):
        gate_batches(lines, tiny_encoder.tokenizer, positions=64, purpose=FILL_MASK)


def test_text_without_any_token_ends(tiny_encoder: Encoder) -> None:
    # U+200B is dropped by the normaliser, so the line has no token at all
    batches = gate_batches(("\u200b",), tiny_encoder.tokenizer, positions=8, purpose=FEATURE_EXTRACTION)
    assert all(b.ids_BT.shape[1] <= 8 for b in batches)


def test_parity_counts_real_tokens_only_and_names_the_worst_line() -> None:
    right = Fixed(((0, 0), (1, 1), (2, 2), (9, 9)))
    other = Fixed(((5, 5), (1, 1.25), (2, 1.5), (9, 9)))
    both = batch([[1, 1, 0], [1, 2, 0], [3, 0, 0]], [[1, 1, 0], [1, 1, 0], [1, 0, 0]])
    gate = parity_gate(right, other, [both], bound=0.5)
    assert gate == Gate("fp32 parity", 0.5, 0.5, True, "largest difference", "line 1")
    assert not parity_gate(right, other, [both], bound=0.49).passed


def test_what_is_not_a_number_never_passes() -> None:
    right = Fixed(((0, 0), (1, 2), (2, 1)))
    broken = Fixed(((0, 0), (1, 2), (float("nan"), 1)))
    both = batch([[1, 1], [1, 2]], [[1, 1], [1, 1]])
    parity = parity_gate(right, broken, [both], bound=1e9)
    assert not parity.passed and parity.worst == "line 1" and np.isnan(parity.figure)
    gates = int8_gates(right, broken, [both], BOUNDS.model_copy(update={"mean_cosine": -1, "worst_cosine": -1}))
    assert [gate.passed for gate in gates] == [False, False] and gates[1].worst == "line 1"
    masked = batch([[1, 1], [1, 2]], [[1, 1], [1, 1]], [[0, 1], [0, 1]])
    (agreement,) = int8_gates(replace(right, purpose=FILL_MASK), replace(broken, purpose=FILL_MASK), [masked], BOUNDS)
    assert agreement.figure == 0.5 and not agreement.passed


def test_cosines_by_hand() -> None:
    right = Fixed(((0, 0), (1, 0), (3, 4)))
    other = Fixed(((9, 9), (0.6, 0.8), (3, 4)))
    # line 0: (1, 0) against (0.6, 0.8) is 0.6; line 1: equal is 1; the padding of both is left out
    both = batch([[1, 0], [2, 0]], [[1, 0], [1, 0]])
    mean, worst = int8_gates(right, other, [both], BOUNDS)
    assert mean.figure == pytest.approx(0.8) and worst.figure == pytest.approx(0.6)
    assert replace(mean, figure=0) == Gate("int8 mean cosine", 0, 0.98, False, "cosine", "line 0")
    assert replace(worst, figure=0) == Gate("int8 worst cosine", 0, 0.9, False, "cosine", "line 0")
    assert all(gate.passed for gate in int8_gates(right, right, [both], BOUNDS))


def test_cosines_of_labels_are_of_their_probabilities() -> None:
    """Logits (ln 3, 0) are 3/4 and 1/4, turned round: cosine 6/16 over 10/16; in doubt, opposite logits are alike."""
    sure, doubt = float(np.log(3)), 0.01
    right = Fixed(((0, 0), (sure, 0), (doubt, -doubt)), purpose=TOKEN_CLASSIFICATION)
    other = Fixed(((9, 9), (0, sure), (-doubt, doubt)), purpose=TOKEN_CLASSIFICATION)
    both = batch([[1, 0], [2, 0]], [[1, 0], [1, 0]])
    agreement, mean, worst = int8_gates(right, other, [both], BOUNDS)
    assert agreement.figure == 0 and worst.figure == pytest.approx(0.6) and worst.worst == "line 0"
    assert mean.figure == pytest.approx((0.6 + 1) / 2, abs=1e-3)


def test_mean_pool_by_hand() -> None:
    states = np.array([[[1], [3], [100]]], dtype=np.float32)
    assert mean_pool(states, np.array([[1, 1, 0]])).tolist() == [[2]]


def test_agreement_by_hand() -> None:
    right = Fixed(((0, 1), (1, 0), (0, 1)), purpose=FILL_MASK)
    other = Fixed(((1, 0), (1, 0), (1, 0)), purpose=FILL_MASK)
    # masked: line 0 has tokens 1 and 1 (agree twice), line 1 has tokens 2 (no) and 1 (yes); token 0 is never masked
    both = batch([[0, 1, 1], [2, 1, 0]], [[1, 1, 1], [1, 1, 1]], [[0, 1, 1], [1, 1, 0]])
    (gate,) = int8_gates(right, other, [both], BOUNDS)
    assert gate == Gate("int8 agreement", 0.75, 0.9, False, "share", "line 1")


def test_tokenizer_gate(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path) -> None:
    save_encoder(tiny_encoder, tmp_path)
    gate = tokenizer_gate(tiny_encoder.tokenizer, tmp_path, sentences)
    assert gate == Gate("tokenizer", 1.0, 1.0, True, "share", "")
    other = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    other.enable_truncation(max_length=12)
    long = [line for line in sentences if len(tiny_encoder.tokenizer.encode(line).ids) > 12]
    other.save(str(tmp_path / "tokenizer.json"))
    gate = tokenizer_gate(tiny_encoder.tokenizer, tmp_path, sentences)
    assert gate.figure == pytest.approx(1 - len(long) / len(sentences))
    assert not gate.passed and gate.worst == long[0]
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="the tokenizer files cannot be loaded"):
        tokenizer_gate(tiny_encoder.tokenizer, tmp_path, sentences)


def test_require_names_gate_figure_bound_and_sentence() -> None:
    good = Gate("tokenizer", 1.0, 1.0, True, "share", "")
    require([good])
    bad = Gate("int8 worst cosine", 0.71234567, 0.9, False, "cosine", "Ang aso ay natutulog.")
    far = Gate("fp32 parity", 0.25, 1e-4, False, "largest difference", "x" * 300)
    with pytest.raises(GateError) as raised:
        require([good, bad, far])
    assert str(raised.value) == (
        "gate int8 worst cosine: cosine 0.712346, at least 0.9 expected, worst example 'Ang aso ay natutulog.';"
        f" gate fp32 parity: largest difference 0.25, at most 0.0001 expected, worst example '{'x' * 117}...';"
        " nothing was published"
    )
    assert raised.value.exit_code == 3


@pytest.mark.export
@pytest.mark.parametrize("task", ["feature-extraction", "fill-mask"])
def test_real_files_pass_and_a_wrong_one_fails(
    tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path, task: str
) -> None:
    purpose = purpose_named(task)
    save_encoder(tiny_encoder, tmp_path)
    fp32 = OrtSession(export(tmp_path, tmp_path / "model.onnx", purpose))
    int8 = OrtSession(quantize(tmp_path / "model.onnx", tmp_path / "model_quantized.onnx"))
    batches = gate_batches(sentences, tiny_encoder.tokenizer, positions=64, purpose=purpose)
    reference = encoder_session(tiny_encoder, purpose)
    assert reference.purpose == fp32.purpose == int8.purpose == purpose
    bounds = BOUNDS if EXACT else BOUNDS.model_copy(update={"top1_agreement": 0.75})
    gates = [parity_gate(reference, fp32, batches, 1e-4), *int8_gates(fp32, int8, batches, bounds)]
    require(gates)
    assert all(gate.figure < 1 for gate in gates[1:]) or task == "fill-mask"

    class Deaf:
        """The exported file with its attention mask ignored: what a bad export does."""

        purpose: Purpose = fp32.purpose

        def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
            return fp32(ids_BT, np.ones_like(attend_BT))

    gate = parity_gate(reference, Deaf(), batches, 1e-4)
    assert not gate.passed and gate.figure > 0.1


def test_torch_session_leaves_the_model_alone(tiny_encoder: Encoder) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_encoder.model.state_dict().items()}
    ids_BT = np.arange(5, 25).reshape(2, 10)
    out = encoder_session(tiny_encoder, FILL_MASK)(ids_BT, np.ones_like(ids_BT))
    assert out.shape == (2, 10, tiny_encoder.shape.vocab) and out.dtype == np.float32
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny_encoder.model.state_dict().items())


def test_a_model_that_loses_the_order_of_words_does_not_pass(starter: Encoder) -> None:
    """The shipped bounds, on the shipped teacher: shuffling the tokens inside each sentence must be seen."""
    lines = read_lines(data_folder("starter") / "text" / "tl.heldout.txt.xz")[:24]
    batches = gate_batches(lines, starter.tokenizer, 64, FEATURE_EXTRACTION)
    right, chance = encoder_session(starter, FEATURE_EXTRACTION), np.random.default_rng(0)

    class Shuffled:
        purpose = FEATURE_EXTRACTION

        def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
            shuffled = ids_BT.copy()
            for row, length in zip(shuffled, attend_BT.sum(axis=1), strict=True):
                row[1 : length - 1] = chance.permutation(row[1 : length - 1])
            return right(shuffled, attend_BT)

    gates = int8_gates(right, Shuffled(), batches, load_recipe("starter").bounds)
    assert not any(gate.passed for gate in gates)
    assert all(gate.passed for gate in int8_gates(right, right, batches, load_recipe("starter").bounds))


def test_other_tokens_of_the_same_text_do_not_pass(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """A student whose tokenizer prefers other tokens than its teacher, although it has kept them all."""
    teacher = tiny_encoder.tokenizer
    assert kept_tokens_gate(teacher, teacher, sentences).passed
    spec = json.loads(teacher.to_str())
    spec["model"]["continuing_subword_prefix"] = "@@"
    gate = kept_tokens_gate(teacher, Tokenizer.from_str(json.dumps(spec)), sentences)
    assert not gate.passed
    assert gate.worst in sentences
    assert not kept_tokens_gate(teacher, teacher, []).passed
