"""Distillation on sentence vectors: losses by hand, students that find what teachers do, a cache of no effect."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from edgeenc.compress.distill_sentences import distill_sentences
from edgeenc.compress.losses import similarity_divergence
from edgeenc.compress.prune_ffn import prune_ffn
from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.compress.vector_aim import principal
from edgeenc.errors import InputError, ShapeError
from edgeenc.machine.arrays import ArrayFolder
from edgeenc.machine.runtime import Runtime
from edgeenc.model.embed import Forward, Vectors, embed, forward_of
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.model.surgery import rebuild
from edgeenc.stages.distill_sentences import DistillSentences, SentenceOptions
from edgeenc.text.corpus import Corpus, Part
from edgeenc.text.whole import Widths
from edgeenc.training_loop import Job, Progress

FIELDS: dict[str, object] = {"tokens": 100_000, "batch_size": 32, "max_length": 32, "lr": 1e-3, "evaluations": 4}


@pytest.fixture(scope="module")
def corpus(sentences: tuple[str, ...]) -> Corpus:
    """400 shuffled lines to learn from, 60 and 60 held out."""
    words, chance = " ".join(sentences).split(), random.Random(3)
    lines = tuple(" ".join(chance.choices(words, k=chance.randint(3, 12))) for _ in range(520))
    return Corpus(lines[:400], lines[400:460], lines[460:])


@pytest.fixture(scope="module")
def teacher(tiny_encoder: Encoder) -> Encoder:
    """An encoder with smaller weights, whose vectors can be learnt in a second."""
    state = {name: 0.6 * t if t.ndim > 1 else t for name, t in tiny_encoder.model.state_dict().items()}
    return rebuild(tiny_encoder, state, tiny_encoder.shape)


@pytest.fixture(scope="module")
def student(teacher: Encoder) -> Encoder:
    return prune_ffn(teacher, [], width=16, score="magnitude")


def vectors(encoder: Encoder, texts: tuple[str, ...]) -> Vectors:
    return embed(forward_of(encoder), encoder.tokenizer, texts, longest=32)


def found_again(one: Vectors, other: Vectors) -> float:
    """Return for how many texts the nearest neighbour is the same in both."""
    nearest = [(v @ v.T - 2 * np.eye(len(v))).argmax(1) for v in (one, other)]
    return float((nearest[0] == nearest[1]).mean())


def alike(one: Vectors, other: Vectors) -> float:
    """Return the correlation of the similarities of all pairs of texts."""
    pairs = np.triu_indices(len(one), 1)
    return float(np.corrcoef((one @ one.T)[pairs], (other @ other.T)[pairs])[0, 1])


def weights_equal(one: Encoder, other: Encoder) -> bool:
    states = one.model.state_dict(), other.model.state_dict()
    return all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


@pytest.mark.parametrize("weights", [{"similarity": 0}, {"cosine": 0}, {"cosine": 0, "similarity": 0, "mse": 1}])
def test_a_student_finds_what_its_teacher_finds(
    teacher: Encoder, student: Encoder, corpus: Corpus, weights: dict[str, float]
) -> None:
    """On text that nobody trained on; each loss by itself does it."""
    taught = vectors(teacher, corpus.test)
    before = found_again(vectors(student, corpus.test), taught)
    made, history = distill_sentences(student, teacher, corpus, SentenceOptions(**FIELDS | weights), Job(seed=1))
    assert found_again(vectors(made, corpus.test), taught) > before + 0.1
    assert history.evaluations[-1][1] < 0.8 * history.evaluations[0][1]
    assert made.sentence == SentenceHead()


def test_hidden_states_alone_bring_a_narrower_student_near(teacher: Encoder, student: Encoder, corpus: Corpus) -> None:
    options = SentenceOptions(**FIELDS | {"cosine": 0, "similarity": 0, "hidden": 1})
    narrow = truncate_hidden(student, [], hidden=24, method="leading")
    taught = vectors(teacher, corpus.test)
    before = found_again(vectors(narrow, corpus.test), taught)
    made, _ = distill_sentences(narrow, teacher, corpus, options, Job(seed=1))
    assert found_again(vectors(made, corpus.test), taught) > before


def test_only_vectors_are_compared_so_tokens_may_differ(teacher: Encoder, student: Encoder, corpus: Corpus) -> None:
    own = trim_vocab(student, corpus.train, size=90)
    made, history = distill_sentences(own, teacher, corpus, SentenceOptions(**FIELDS), Job(seed=1))
    assert history.evaluations[-1][1] < history.evaluations[0][1]
    assert made.tokenizer.get_vocab_size() == 90
    with pytest.raises(ShapeError, match="other tokens"):
        distill_sentences(own, teacher, corpus, SentenceOptions(**FIELDS, hidden=1), Job(seed=1))


def test_similarities_are_compared_as_the_formula_says() -> None:
    torch.manual_seed(0)
    own, taught = torch.randn(5, 4), torch.randn(5, 7)

    def distribution(vectors: torch.Tensor, row: int) -> torch.Tensor:
        cosines = torch.cosine_similarity(vectors[row : row + 1], vectors)
        return torch.softmax(cosines[torch.arange(5) != row] / 0.1, 0)

    rows = [(distribution(own, row), distribution(taught, row)) for row in range(5)]
    expected = sum(float((p * (p / q).log()).sum()) for q, p in rows) / 5
    assert float(similarity_divergence(own, taught, 0.1)) == pytest.approx(expected, rel=1e-5)
    assert float(similarity_divergence(own, 3 * own, 0.1)) == pytest.approx(0, abs=1e-6)


class Counted:
    """A cache in memory that counts what it is asked for."""

    def __init__(self) -> None:
        self.kept: dict[str, Vectors] = {}
        self.written = 0

    def read(self, address: str) -> Vectors | None:
        return self.kept.get(address)

    def write(self, address: str, array: Vectors) -> None:
        self.kept[address] = array
        self.written += 1


def test_a_cache_spares_the_teacher_and_changes_no_bit(
    teacher: Encoder, student: Encoder, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With blocks of 50 texts, of which the cache has some: none, all, or those of another budget."""
    monkeypatch.setattr("edgeenc.text.sentence_order.BLOCK", 50)
    monkeypatch.setattr("edgeenc.compress.teacher_vectors.BLOCK", 50)
    options = SentenceOptions(**FIELDS | {"tokens": 4000, "texts": 150})
    without, _ = distill_sentences(student, teacher, corpus, options, Job(seed=1))
    cache = Counted()
    distill_sentences(student, teacher, corpus, options.model_copy(update={"texts": 120}), Job(seed=5), cache)
    assert cache.written == 3 + 2  # 120 texts to learn from, 60 held out
    some, _ = distill_sentences(student, teacher, corpus, options, Job(seed=1), cache)
    assert cache.written == 5 + 1  # only the block that was not whole
    forwards: list[int] = []
    original = Encoder.hidden

    def watched(self: Encoder, ids_BT: torch.Tensor, attend_BT: torch.Tensor | None = None) -> torch.Tensor:
        if not self.model.get_input_embeddings().weight.requires_grad:
            forwards.append(len(ids_BT))
        return original(self, ids_BT, attend_BT)

    monkeypatch.setattr(Encoder, "hidden", watched)
    every, _ = distill_sentences(student, teacher, corpus, options, Job(seed=1), cache)
    assert forwards == []
    assert weights_equal(without, some)
    assert weights_equal(without, every)
    distill_sentences(student, teacher, corpus, options, Job(seed=1), ArrayFolder(tmp_path))
    assert forwards != []


def test_a_killed_training_goes_on_to_the_same_weights(
    teacher: Encoder, student: Encoder, corpus: Corpus, tmp_path: Path
) -> None:
    options = SentenceOptions(**FIELDS | {"tokens": 12_000})
    whole, _ = distill_sentences(student, teacher, corpus, options, Job(seed=1))

    class Killed(Exception):
        pass

    def kill(progress: Progress) -> None:
        if not progress.doing and progress.step >= 7:
            raise Killed

    runtime = Runtime(save_seconds=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgeenc.training_loop.time.monotonic", iter(range(0, 10**6, 2)).__next__)
        with pytest.raises(Killed):
            distill_sentences(student, teacher, corpus, options, Job(1, runtime, tmp_path, kill))
    resumed, _ = distill_sentences(student, teacher, corpus, options, Job(1, runtime, tmp_path))
    assert weights_equal(whole, resumed)
    other, _ = distill_sentences(student, teacher, corpus, options, Job(seed=2))
    assert not weights_equal(whole, other)


def narrower(teacher: Encoder) -> Encoder:
    return truncate_hidden(teacher, [], hidden=16, method="leading")


def test_a_narrower_student_learns_principal_components(teacher: Encoder, corpus: Corpus) -> None:
    student, taught = narrower(teacher), vectors(teacher, corpus.test)
    options = SentenceOptions(**FIELDS | {"projection": "pca", "tokens": 120_000})
    made, _ = distill_sentences(student, teacher, corpus, options, Job(seed=1))
    own = vectors(made, corpus.test)
    assert own.shape[1] == 16
    assert found_again(own, taught) > found_again(vectors(student, corpus.test), taught) + 0.1


def test_a_learned_projection_that_ships_lives_in_the_teachers_space(
    teacher: Encoder, corpus: Corpus, tmp_path: Path
) -> None:
    options = SentenceOptions(**FIELDS | {"projection": "learned"})
    made, _ = distill_sentences(narrower(teacher), teacher, corpus, options, Job(seed=1))
    save_encoder(made, tmp_path)
    back = load_encoder(tmp_path)
    assert back.sentence is not None
    assert back.sentence.dimensions(16) == 32
    own, taught = vectors(back, corpus.test), vectors(teacher, corpus.test)
    assert np.array_equal(own, vectors(made, corpus.test))
    middle = taught.mean(0)
    near = [(v - middle) / np.linalg.norm(v - middle, axis=1, keepdims=True) for v in (own, taught)]
    assert (near[0] * near[1]).sum(1).mean() > 0.5  # what all texts have in common taken away
    kept, _ = distill_sentences(
        narrower(teacher), teacher, corpus, options.model_copy(update={"ship_projection": False}), Job(seed=1)
    )
    assert kept.sentence == SentenceHead()
    assert weights_equal(kept, made)


def test_vectors_are_cut_to_their_first_dimensions(teacher: Encoder, student: Encoder, corpus: Corpus) -> None:
    """A quarter of what the teacher has orders texts more as it does than its own first quarter, as does an eighth."""
    taught = vectors(teacher, corpus.test)
    options = SentenceOptions(**FIELDS | {"dimensions": 8, "nested": (4,)})
    made, _ = distill_sentences(student, teacher, corpus, options, Job(seed=1))
    own = vectors(made, corpus.test)
    assert own.shape[1] == 8
    assert np.allclose(np.linalg.norm(own, axis=1), 1, atol=1e-5)
    for size in (8, 4):
        cut, plain = (v[:, :size] / np.linalg.norm(v[:, :size], axis=1, keepdims=True) for v in (own, taught))
        assert alike(cut, taught) > alike(plain, taught) + 0.05


def test_the_strongest_component_comes_first() -> None:
    """Worked by hand: rows along (3, 4) and, a tenth as long, along (-4, 3)."""
    basis = principal(torch.tensor([[3.0, 4.0], [-0.4, 0.3]]), 2)
    assert torch.allclose(basis, torch.tensor([[0.6, 0.8], [0.8, -0.6]]), atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "own", "taught", "said"),
    [
        ({"dimensions": 40}, 32, 64, "dimensions"),
        ({"projection": "pca"}, 64, 32, "no more principal components"),
        ({}, 16, 32, "compare equal ones"),
    ],
)
def test_lengths_that_cannot_be_compared_are_refused_in_the_plan(
    fields: dict[str, object], own: int, taught: int, said: str
) -> None:
    stage = DistillSentences(teacher="teacher", **fields)
    with pytest.raises(ShapeError, match=said):
        stage.dimensions_after(own, {"teacher": taught})


@pytest.mark.parametrize(
    "fields",
    [
        {"projection": "learned", "dimensions": 8},
        {"nested": (8,)},
        {"dimensions": 8, "nested": (8,)},
        {"dimensions": 8, "ship_projection": False},
    ],
)
def test_sizes_that_contradict_each_other_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="dimensions"):
        SentenceOptions(**fields)


def test_dimensions_are_known_through_a_plan() -> None:
    stage = DistillSentences(teacher="teacher", projection="learned")
    assert stage.dimensions_after(16, {"teacher": 32}) == 32
    assert DistillSentences(teacher="teacher", dimensions=8).dimensions_after(16, {"teacher": 32}) == 8


@pytest.mark.parametrize("hidden", [0.0, 1.0])
def test_no_batch_is_wider_than_the_positions(teacher: Encoder, corpus: Corpus, hidden: float) -> None:
    """30 positions are no multiple of 8, of which the widths of a runtime are that computes in bfloat16."""
    state = teacher.model.state_dict()
    name = "bert.embeddings.position_embeddings.weight"
    short = rebuild(teacher, {**state, name: state[name][:30]}, replace(teacher.shape, positions=30))
    options = SentenceOptions(**FIELDS | {"tokens": 2000, "evaluations": 1, "hidden": hidden, "texts": 80})
    job = Job(seed=1, runtime=Runtime(dtype="bfloat16"))
    for one, other in ((short, short), (short, teacher), (teacher, short)):
        assert distill_sentences(one, other, corpus, options, job)[1].evaluations


def test_an_unknown_prompt_is_refused(teacher: Encoder, corpus: Corpus) -> None:
    one = replace(teacher, sentence=SentenceHead(prompts={"query": "Ang "}))
    options = SentenceOptions(**FIELDS | {"prompts": ("passage",)})
    with pytest.raises(InputError, match="no prompt 'passage'; there are: query"):
        distill_sentences(one, one, corpus, options)


def test_each_of_two_languages_has_texts_by_its_weight(
    teacher: Encoder, corpus: Corpus, sentences: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Corpus(("aso pusa " * 4,) * 300, ("aso pusa",) * 30, ("aso",) * 30)
    parts = (Part("tl", 0.75, corpus), Part("en", 0.25, other))
    whole = Corpus(corpus.train + other.train, corpus.valid + other.valid, corpus.test + other.test, parts)
    asked: list[list[str]] = []
    original = embed

    def watched(
        forward: Forward, tokenizer: Tokenizer, texts: Sequence[str], *, longest: int, widths: Widths
    ) -> Vectors:
        asked.append(list(texts))
        return original(forward, tokenizer, texts, longest=longest, widths=widths)

    monkeypatch.setattr("edgeenc.compress.teacher_vectors.embed", watched)
    options = SentenceOptions(**FIELDS | {"tokens": 20_000, "texts": 200})
    _, history = distill_sentences(teacher, teacher, whole, options, Job(seed=1))
    english = sum(text in other.train for text in asked[0])
    assert (len(asked[0]), english) == (200, 50)
    assert history.evaluations


def test_two_builds_write_the_same_vectors_at_once(
    teacher: Encoder, student: Encoder, corpus: Corpus, tmp_path: Path
) -> None:
    """Eight threads write and read one block, again and again: what is read is whole, and nothing else is left."""
    block = vectors(teacher, corpus.test)
    failed: list[str] = []

    def work() -> None:
        cache = ArrayFolder(tmp_path)
        for _ in range(20):
            cache.write("a" * 32, block)
            found = cache.read("a" * 32)
            if found is None or not np.array_equal(found, block):
                failed.append("torn")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
