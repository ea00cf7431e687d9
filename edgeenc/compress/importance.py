"""How much the masked-LM loss depends on a channel, to first order; and how large a channel is, without a loss.

Axis letters: B rows, T tokens, C channels (of whatever tensor is watched).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from edgeenc.compress.losses import chosen_logits, masked_lm
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.text.batches import Batching, Masked, masked_stream
from edgeenc.text.corpus import Corpus
from edgeenc.text.lines import some
from edgeenc.text.mixture import pattern_of

Side = Literal["input", "output"]
Reduce = Callable[[Tensor], Tensor]
"""From the gains (B, T, C) of one batch to what is summed over batches."""


def calibration(encoder: Encoder, corpus: Corpus, batches: int, seed: int) -> list[Masked]:
    """Return `batches` fixed batches of training text; held-out text is never used to choose what to prune."""
    read = Batching(rate=0.15, lengths=(min(64, encoder.shape.longest),), pattern=pattern_of(corpus))
    texts = [some(part.corpus.train) for part in corpus.each]
    stream = masked_stream(texts, encoder.tokenizer, read, seed=seed)
    return [stream(step) for step in range(batches)]


def per_token(gain_BTC: Tensor) -> Tensor:
    """Return the sum of absolute gains (C,): opposite signs of two tokens do not cancel."""
    return gain_BTC.abs().flatten(0, -2).sum(0)


def per_batch(gain_BTC: Tensor) -> Tensor:
    """Return the absolute value of the summed gains (C,): tokens of opposite sign cancel, as published."""
    return gain_BTC.flatten(0, -2).sum(0).abs()


def fisher(gain_BTC: Tensor) -> Tensor:
    """Return the squares of the rows' summed gains, summed (C,): the diagonal of the gates' Fisher information."""
    return gain_BTC.flatten(1, -2).sum(1).square().sum(0)


def importance(
    encoder: Encoder,
    modules: Sequence[nn.Module],
    batches: Iterable[Masked],
    reduce: Reduce = per_token,
    side: Side = "input",
) -> list[Tensor]:
    """Return for each of `modules` the importance (C,) of the channels of its input, or of its output.

    The gain of a token's channel is x * dL/dx, x the watched tensor and L the masked-LM loss (nats): the derivative by
    a gate on it, and, to first order, what the loss would fall if it were set to zero. `reduce` says how the gains of
    a batch are added up.

    Source: Molchanov et al. 2019, arXiv:1906.10771, for `per_token`; step 2 of arXiv:2505.16956 for `per_batch`; Kwon
    et al. 2022, arXiv:2204.09656, for `fisher`.

    Raises:
        InputError: there is no batch, so nothing could be judged.
    """
    seen: dict[int, Tensor] = {}
    scores: dict[int, Tensor] = {}
    parameters = [p for p in encoder.model.parameters() if p.requires_grad]
    watched = [_watch(module, seen, place, side) for place, module in enumerate(modules)]
    handles = [_start_at_embeddings(encoder), *watched]
    try:
        for p in parameters:
            p.requires_grad_(False)
        for batch in batches:
            seen.clear()
            masked_lm(chosen_logits(encoder, batch), batch.labels_P).backward()
            for place, x_BTC in seen.items():
                assert x_BTC.grad is not None  # every watched tensor lies between the embeddings and the loss
                gain_C = reduce(x_BTC.detach() * x_BTC.grad)
                scores[place] = scores.get(place, torch.zeros_like(gain_C)) + gain_C
    finally:
        for handle in handles:
            handle.remove()
        for p in parameters:
            p.requires_grad_(True)
    if not scores:
        raise InputError("importance: there is no batch to judge the channels on; give more text")
    return [scores[place] for place in range(len(modules))]


def root_mean_squares(encoder: Encoder, modules: Sequence[nn.Module], batches: Iterable[Masked]) -> list[Tensor]:
    """Return for each of `modules` the root mean square over tokens (C,) of each channel of its input.

    Raises:
        InputError: there is no batch.
    """
    sums: dict[int, Tensor] = {}
    count = 0

    def hook_of(place: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def add(_: nn.Module, args: tuple[Tensor, ...]) -> None:
            square_C = args[0].double().square().flatten(0, -2).sum(0)
            sums[place] = sums.get(place, torch.zeros_like(square_C)) + square_C

        return add

    handles = [module.register_forward_pre_hook(hook_of(place)) for place, module in enumerate(modules)]
    try:
        with torch.no_grad():
            for batch in batches:
                encoder.hidden(batch.ids_BT)
                count += batch.ids_BT.numel()
    finally:
        for handle in handles:
            handle.remove()
    if not count:
        raise InputError("importance: there is no batch to judge the channels on; give more text")
    return [(sums[place] / count).sqrt().to(encoder.model.dtype) for place in range(len(modules))]


def mean_loss(encoder: Encoder, batches: Sequence[Masked]) -> float:
    """Return the masked-LM loss (nats, mean over the masked positions of each batch, then over batches).

    Raises:
        InputError: there is no batch.
    """
    if not batches:
        raise InputError("importance: there is no batch to judge the layers on; give more text")
    with torch.no_grad():
        losses = [float(masked_lm(chosen_logits(encoder, batch), batch.labels_P)) for batch in batches]
    return sum(losses) / len(losses)


def _watch(module: nn.Module, seen: dict[int, Tensor], place: int, side: Side) -> RemovableHandle:
    """Keep the input or the output of `module`, and its gradient, in `seen[place]`, where it is empty.

    A module may run twice: DeBERTa's queries and keys are made of the tokens first, then of the table of distances.
    """

    def keep(x_BTC: Tensor) -> None:
        if place not in seen:
            x_BTC.retain_grad()
            seen[place] = x_BTC

    def before(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        keep(args[0])

    def after(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> None:
        keep(output)

    return module.register_forward_hook(after) if side == "output" else module.register_forward_pre_hook(before)


def _start_at_embeddings(encoder: Encoder) -> RemovableHandle:
    """Let the gradient start at the embedded words, since no weight asks for one."""

    def hook(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output.detach().requires_grad_(True)

    return encoder.model.get_input_embeddings().register_forward_hook(hook)
