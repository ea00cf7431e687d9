"""The one training loop: plain torch; killed anywhere, it goes on and ends with the same weights.

The batch is a function of the step, and dropout is off: all chance lies in the batch.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from edgeenc.errors import UsageError
from edgeenc.machine.runtime import Runtime
from edgeenc.record.form import as_object, parse
from edgeenc.record.steps import StageFigures
from edgeenc.stages.training import Schedule


@dataclass(frozen=True, slots=True)
class Progress:
    """What a reader of a running step wants to know; losses in nats per predicted token."""

    step: int
    steps: int
    loss: float
    tokens_per_second: float
    seconds_left: float
    doing: str = ""
    """What is done in steps before the training, such as `teacher vectors`; it has no loss."""


@dataclass(frozen=True, slots=True)
class History:
    """What happened: (step, validation loss) at each evaluation, the best of them, the tokens seen."""

    evaluations: tuple[tuple[int, float], ...] = field(default=(), metadata={"alias": "looks"})
    best_step: int = -1
    best_loss: float = math.inf
    tokens: int = 0

    def rounded(self) -> History:
        """Return it with the losses as reports show them: nats per predicted token, six digits."""
        evaluations = tuple((step, round(loss, 6)) for step, loss in self.evaluations)
        return History(evaluations, self.best_step, round(self.best_loss, 6), self.tokens)

    def figures(self) -> StageFigures:
        """Return what a report shows of the training of a stage."""
        shown = self.rounded()
        return StageFigures(
            tokens=shown.tokens, best_step=shown.best_step, best_loss=shown.best_loss, evaluations=shown.evaluations
        )


@dataclass(frozen=True, slots=True)
class _State:
    """What a checkpoint says beside its tensors."""

    step: int
    history: History


def silent(_: Progress) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """How one training is run.

    Attributes:
        seed: of the order of the rows and of the masks.
        runtime: device, dtype, threads.
        scratch: folder for checkpoints, or None to keep none.
        tell: called with the progress about every second.
        in_place: whether the encoder that is given may be trained itself, since nobody else reads it; otherwise a copy
            is trained, which of a large one takes another gigabyte.
    """

    seed: int = 0
    runtime: Runtime = field(default_factory=Runtime)
    scratch: Path | None = None
    tell: Callable[[Progress], None] = silent
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one step and the tokens that went into it."""

    value: Tensor
    tokens: int


def train(
    model: nn.Module,
    loss_at: Callable[[int], Loss],
    schedule: Schedule,
    evaluate: Callable[[], float],
    job: Job,
) -> History:
    """Train `model` in place to the weights with the lowest validation loss, and return what happened.

    Args:
        model: its parameters are changed; give a copy.
        loss_at: loss of a step, a pure function of the step and the weights.
        schedule: steps and rates.
        evaluate: validation loss with fixed masks (nats per predicted token); called every `schedule.every` steps and
            at the end.
        job: runtime, progress, and the scratch folder; a run that finds its own checkpoint there goes on and ends with
            the same weights.

    Raises:
        UsageError: every validation loss was infinite or not a number.
    """
    runtime, scratch = job.runtime, job.scratch
    torch.set_num_threads(runtime.threads)
    run = _Run(model, schedule, scratch)
    if scratch is not None:
        run.resume(scratch)
    clock = _Clock(run.step)
    while run.step < schedule.steps:
        loss = run.update(loss_at, runtime)
        if run.step % schedule.every == 0 or run.step == schedule.steps:
            run.evaluate(evaluate)
        if scratch is not None and (clock.due(runtime.save_seconds) or run.step == schedule.steps):
            run.save(scratch)
        if (progress := clock.progress(run.step, schedule.steps, loss)) is not None:
            job.tell(progress)
    if run.history.best_step < 0:
        raise UsageError("the training diverged: no validation loss was a number; lower the rate `lr` of this step")
    if run.history.best_step != run.step:
        kept = run.best()
        model.load_state_dict({name: kept[first] for name, first in _first_names(model).items()}, strict=True)
    return run.history


class _Run:
    """The state of a training run: everything that a checkpoint must hold.

    The best weights so far lie in the scratch folder where there is one: in memory they are as large as the model.
    """

    def __init__(self, model: nn.Module, schedule: Schedule, scratch: Path | None) -> None:
        self.model, self.schedule, self.scratch = model.eval(), schedule, scratch
        self.history, self.step = History(), 0
        self.parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.optimizer = _optimizer(self.parameters, schedule.lr)
        self.kept: dict[str, Tensor] = {}

    def update(self, loss_at: Callable[[int], Loss], runtime: Runtime) -> Loss:
        """Take one optimiser step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.lr * self.schedule.rate(self.step)
        with runtime.autocast():
            loss = loss_at(self.step)
        loss.value.backward()
        nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.history = replace(self.history, tokens=self.history.tokens + loss.tokens)
        return loss

    def evaluate(self, judge: Callable[[], float]) -> None:
        """Compare the validation loss with the best one so far."""
        with torch.no_grad():
            loss = judge()
        self.history = replace(self.history, evaluations=(*self.history.evaluations, (self.step, loss)))
        if loss < self.history.best_loss:  # never true of a loss that is not a number
            self.history = replace(self.history, best_step=self.step, best_loss=loss)
            self._keep()

    def _keep(self) -> None:
        """Keep the weights as they are now as the best ones; those that a checkpoint still needs stay beside them."""
        names = set(_first_names(self.model).values())
        state = {name: tensor.detach() for name, tensor in self.model.state_dict().items() if name in names}
        if self.scratch is None:
            self.kept = {name: tensor.clone() for name, tensor in state.items()}
            return
        place = _best_file(self.scratch, self.step)
        self.scratch.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(".new")
        save_file({name: tensor.cpu().contiguous() for name, tensor in state.items()}, fresh)
        fresh.replace(place)

    def best(self) -> dict[str, Tensor]:
        """Return the best weights so far."""
        return self.kept if self.scratch is None else load_file(_best_file(self.scratch, self.history.best_step))

    def save(self, scratch: Path) -> None:
        """Write a checkpoint beside the last one and then take its place."""
        new, place = scratch / "checkpoint.new", scratch / f"checkpoint-{self.step:08d}"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        flat = _flat(self.parameters, self.optimizer)
        for kind in sorted({name.partition("@")[2] for name in flat}):
            part = {name: tensor for name, tensor in flat.items() if name.partition("@")[2] == kind}
            save_file(part, new / f"training-{kind or 'weights'}.safetensors")
        (new / "state.json").write_text(json.dumps(as_object(_State(self.step, self.history))))
        if place.exists():
            shutil.rmtree(place)
        new.rename(place)
        for old in scratch.glob("checkpoint-*"):
            if old != place:
                shutil.rmtree(old)
        for old in scratch.glob("best-*"):
            if old != _best_file(scratch, self.history.best_step):
                old.unlink()

    def resume(self, scratch: Path) -> None:
        """Go on from the newest checkpoint in `scratch`, if there is one and its best weights are there."""
        found = sorted(scratch.glob("checkpoint-*/state.json"))
        if not found:
            return
        folder = found[-1].parent
        state = parse(_State, found[-1].read_text())
        best = state.history.best_step
        if best >= 0 and not _best_file(scratch, best).is_file():
            return
        flat = {name: tensor for path in folder.glob("training-*") for name, tensor in load_file(path).items()}
        _restore(flat, self.parameters, self.optimizer)
        self.step, self.history = state.step, state.history


class _Clock:
    """Tells when to save and when to speak, and how fast the run is; takes no part in the result."""

    def __init__(self, step: int) -> None:
        self.start = self.saved = self.spoke = time.monotonic()
        self.first, self.tokens = step, 0

    def due(self, seconds: float) -> bool:
        """Tell whether `seconds` have passed since this last said yes."""
        if time.monotonic() - self.saved < seconds:
            return False
        self.saved = time.monotonic()
        return True

    def progress(self, step: int, steps: int, loss: Loss) -> Progress | None:
        """Return the progress about once a second, else None."""
        self.tokens += loss.tokens
        now = time.monotonic()
        if now - self.spoke < 1.0 and step < steps:
            return None
        self.spoke, spent = now, max(1e-9, now - self.start)
        left = spent / max(1, step - self.first) * (steps - step)
        return Progress(step, steps, float(loss.value.detach()), self.tokens / spent, left)


def _first_names(model: nn.Module) -> dict[str, str]:
    """Return for each tensor's name the first name of the same tensor: a tied table is large, and kept once."""
    first: dict[int, str] = {}
    return {name: first.setdefault(tensor.data_ptr(), name) for name, tensor in model.state_dict().items()}


def _best_file(scratch: Path, step: int) -> Path:
    """Return where the weights of the evaluation after `step` are kept as the best ones."""
    return scratch / f"best-{step:08d}.safetensors"


def _optimizer(parameters: dict[str, nn.Parameter], lr: float) -> torch.optim.AdamW:
    """Return AdamW with weight decay on matrices only."""
    matrices = [p for p in parameters.values() if p.ndim > 1]
    vectors = [p for p in parameters.values() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), eps=1e-6, fused=True)


def _flat(parameters: dict[str, nn.Parameter], optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
    """Return weights and optimiser moments as one mapping of tensors, `name` and `name@moment`."""
    flat = {name: p.detach().contiguous() for name, p in parameters.items()}
    for name, p in parameters.items():
        for key, value in optimizer.state.get(p, {}).items():
            flat[f"{name}@{key}"] = torch.as_tensor(value).contiguous()
    return flat


def _restore(flat: dict[str, Tensor], parameters: dict[str, nn.Parameter], optimizer: torch.optim.AdamW) -> None:
    """Undo `_flat`."""
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(flat[name])
            moments = {key.split("@")[1]: value for key, value in flat.items() if key.startswith(f"{name}@")}
            if moments:
                optimizer.state[p] = {k: v.to(p.device) if v.ndim else v for k, v in moments.items()}
