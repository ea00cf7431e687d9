"""The training loop: rates by hand, the best checkpoint, and a killed run that ends with the same weights."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from edgeenc.compress.adapt import adapt
from edgeenc.compress.distill import distill
from edgeenc.compress.frozen import frozen
from edgeenc.errors import ShapeError, UsageError
from edgeenc.machine.runtime import Runtime
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.stages.distill import DistillOptions
from edgeenc.stages.training import Schedule, TrainingOptions
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import History, Job, Loss, _first_names, train

OPTIONS = TrainingOptions(tokens=64 * 24, batch_tokens=64, sequence_lengths=(16, 16, 32), lr=3e-3, evaluations=4)


@pytest.fixture
def corpus(sentences: tuple[str, ...]) -> Corpus:
    """Twenty sentences, the last ones held out."""
    return Corpus(sentences[:12], sentences[10:], sentences[15:])


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return encoder.model.state_dict()


def equal(a: Encoder, b: Encoder) -> bool:
    return all(torch.equal(t, weights(b)[name]) for name, t in weights(a).items())


def test_rates_by_hand() -> None:
    """100 steps, warm-up 10, decay over the last 30."""
    schedule = Schedule(steps=100, lr=1.0, warmup=10, decay_ratio=0.3)
    assert [schedule.rate(step) for step in (0, 4, 9, 50, 70, 85)] == [0.1, 0.5, 1.0, 1.0, 1.0, 0.5]
    assert schedule.rate(99) == pytest.approx(1 / 30)


def test_training_lowers_the_held_out_loss_and_leaves_its_input(tiny_encoder: Encoder, corpus: Corpus) -> None:
    before = {name: tensor.clone() for name, tensor in weights(tiny_encoder).items()}
    adapted, history = adapt(tiny_encoder, corpus, OPTIONS, Job(seed=1))
    assert history.evaluations[-1][1] < history.evaluations[0][1]
    assert history.tokens == 24 * 64
    assert [step for step, _ in history.evaluations] == [6, 12, 18, 24]
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(tiny_encoder).items())
    assert not equal(adapted, tiny_encoder)


def test_the_best_checkpoint_wins() -> None:
    """Held-out losses 3, 1, 2: the weights of the second look come back."""
    model = torch.nn.Linear(1, 1)
    losses, seen = iter([3.0, 1.0, 2.0]), []

    def judge() -> float:
        seen.append(model.weight.detach().clone())
        return next(losses)

    loss_at = lambda _: Loss(model(torch.ones(1, 1)).square().sum(), 1)  # noqa: E731
    history = train(model, loss_at, Schedule(steps=3, lr=0.1, warmup=1, every=1), judge, Job())
    assert (history.best_step, history.best_loss) == (2, 1.0)
    assert torch.equal(model.weight, seen[1])


def test_a_run_that_diverges_says_so() -> None:
    model = torch.nn.Linear(1, 1)
    loss_at = lambda _: Loss(model(torch.ones(1, 1)).square().sum(), 1)  # noqa: E731
    with pytest.raises(UsageError, match="the training diverged: no validation loss was a number"):
        train(model, loss_at, Schedule(steps=2, lr=0.1, warmup=1, every=1), lambda: float("nan"), Job())


def test_a_stopped_run_goes_on_to_the_same_weights(tiny_encoder: Encoder, corpus: Corpus, tmp_path: Path) -> None:
    """Stopped by an exception after step 15 and started again: every bit as if nothing had happened."""
    straight, _ = adapt(tiny_encoder, corpus, OPTIONS, Job(seed=1))
    job = Job(seed=1, runtime=Runtime(save_seconds=0.0), scratch=tmp_path)

    class Stopped(Exception):
        pass

    steps = 0
    original = torch.optim.AdamW.step

    def counted(self: torch.optim.AdamW, *args: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 16:
            raise Stopped
        return original(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", counted)
        with pytest.raises(Stopped):
            adapt(tiny_encoder, corpus, OPTIONS, job)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-00000015"]
    resumed, history = adapt(tiny_encoder, corpus, OPTIONS, job)
    assert equal(straight, resumed)
    assert history.tokens == 24 * 64


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from edgeenc.compress.adapt import adapt
from edgeenc.model.encoder import load_encoder, save_encoder
from edgeenc.machine.runtime import Runtime
from edgeenc.text.corpus import load_corpus
from edgeenc.stages.training import TrainingOptions
from edgeenc.training_loop import Job
here, seconds = Path(sys.argv[1]), float(sys.argv[2])
if seconds:
    threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
options = TrainingOptions(tokens=64 * 400, batch_tokens=64, sequence_lengths=(16, 16, 32), lr=3e-3, evaluations=8)
job = Job(seed=1, runtime=Runtime(save_seconds=0.0), scratch=here / "scratch")
adapted, _ = adapt(load_encoder(here / "start"), load_corpus(here / "corpus"), options, job)
save_encoder(adapted, here / "end")
"""


def test_killed_at_any_moment_the_weights_come_out_the_same(
    tiny_encoder: Encoder, corpus: Corpus, tmp_path: Path
) -> None:
    """SIGKILL in the middle of steps and checkpoints, several times, then one run to the end."""
    from edgeenc.text.corpus import save_corpus

    for name in ("straight", "killed"):
        save_encoder(tiny_encoder, tmp_path / name / "start")
        save_corpus(corpus, tmp_path / name / "corpus")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(name: str, seconds: float) -> int:
        command = [sys.executable, "-c", KILLED, str(tmp_path / name), str(seconds)]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    assert run("straight", 0) == 0
    codes = [run("killed", seconds) for seconds in (0.15, 0.4, 0.7)]
    assert -signal.SIGKILL in codes
    assert run("killed", 0) == 0
    ends = [(tmp_path / name / "end" / "model.safetensors").read_bytes() for name in ("straight", "killed")]
    assert ends[0] == ends[1]


def test_history_survives_a_checkpoint(tiny_encoder: Encoder, corpus: Corpus, tmp_path: Path) -> None:
    job = Job(seed=1, scratch=tmp_path)
    _, first = adapt(tiny_encoder, corpus, OPTIONS, job)
    _, again = adapt(tiny_encoder, corpus, OPTIONS, job)
    assert isinstance(again, History) and again == first


def test_distillation_comes_nearer_to_its_teacher(tiny_encoder: Encoder, corpus: Corpus) -> None:
    """With the soft targets alone the held-out loss falls towards the teacher's."""
    teacher, _ = adapt(tiny_encoder, corpus, OPTIONS, Job(seed=1))
    options = DistillOptions(**(OPTIONS.model_dump() | {"alpha": 0.0, "tokens": 64 * 40}))
    before = {name: tensor.clone() for name, tensor in weights(teacher).items()}
    _, history = distill(tiny_encoder, teacher, corpus, options, Job(seed=2))
    assert history.best_loss < history.evaluations[0][1]
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(teacher).items())


def test_other_vocabularies_are_refused(tiny_encoder: Encoder, corpus: Corpus) -> None:
    from edgeenc.compress.trim_vocab import trim_vocab

    trimmed = trim_vocab(tiny_encoder, corpus.train, size=tiny_encoder.shape.vocab - 4)
    with pytest.raises(ShapeError, match="distill: the student has 116 tokens and the teacher 120"):
        distill(trimmed, tiny_encoder, corpus, DistillOptions(tokens=64))


def test_a_copy_is_trained(tiny_encoder: Encoder, corpus: Corpus, tmp_path: Path) -> None:
    """Saving what training returns and loading it gives the same bits."""
    adapted, _ = adapt(copy.copy(tiny_encoder), corpus, OPTIONS, Job(seed=1))
    save_encoder(adapted, tmp_path)
    assert equal(adapted, load_encoder(tmp_path))


def test_a_tied_table_is_kept_once_among_the_best_weights(tiny_encoder: Encoder) -> None:
    first = _first_names(tiny_encoder.model)
    assert first["cls.predictions.decoder.weight"] == "bert.embeddings.word_embeddings.weight"
    assert first["cls.predictions.decoder.bias"] == "cls.predictions.bias"
    rest = [name for name in first if not name.startswith("cls.predictions.decoder.")]
    assert [first[name] for name in rest] == rest


def test_the_best_weights_wait_in_scratch_and_only_those(tmp_path: Path) -> None:
    """Held-out losses 3, 1, 2, 4: with and without a scratch folder the weights of the second look come back."""
    ends = []
    for scratch in (tmp_path / "new", None):
        model = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(model.weight, 2.0)
        torch.nn.init.constant_(model.bias, 0.5)
        losses, seen = iter([3.0, 1.0, 2.0, 4.0]), list[torch.Tensor]()
        job = Job(runtime=Runtime(save_seconds=0.0), scratch=scratch)

        def judge(values: Iterator[float] = losses, layer: torch.nn.Linear = model, at: list = seen) -> float:
            at.append(layer.weight.detach().clone())
            return next(values)

        loss_at = lambda _, layer=model: Loss(layer(torch.ones(1, 1)).square().sum(), 1)  # noqa: E731
        train(model, loss_at, Schedule(steps=4, lr=0.1, warmup=1, every=1), judge, job)
        assert torch.equal(model.weight, seen[1])
        ends.append(model.weight)
    assert torch.equal(*ends)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "best-00000002.safetensors",
        "checkpoint-00000004",
    ]


def test_a_checkpoint_without_its_best_weights_is_not_gone_on_from(
    tiny_encoder: Encoder, corpus: Corpus, tmp_path: Path
) -> None:
    job = Job(seed=1, scratch=tmp_path)
    first, history = adapt(tiny_encoder, corpus, OPTIONS, job)
    (best,) = tmp_path.glob("best-*")
    best.unlink()
    again, same = adapt(tiny_encoder, corpus, OPTIONS, job)
    assert equal(first, again)
    assert same == history


def test_in_place_the_given_encoder_is_trained_to_the_same_bits(tiny_encoder: Encoder, corpus: Corpus) -> None:
    mine = copy.deepcopy(tiny_encoder)
    copied, _ = adapt(tiny_encoder, corpus, OPTIONS, Job(seed=1))
    trained, _ = adapt(mine, corpus, OPTIONS, Job(seed=1, in_place=True))
    assert trained.model is mine.model
    assert equal(copied, trained)


def test_a_frozen_teacher_shares_its_weights_and_keeps_its_gradients(tiny_encoder: Encoder) -> None:
    still = frozen(tiny_encoder, "cpu")
    pairs = list(zip(still.model.parameters(), tiny_encoder.model.parameters(), strict=True))
    assert len(pairs) > 10
    assert all(own.data_ptr() == given.data_ptr() for own, given in pairs)
    assert not any(own.requires_grad for own, _ in pairs)
    assert all(given.requires_grad for _, given in pairs)
    assert still.model.get_input_embeddings().weight is still.model.get_output_embeddings().weight
