"""How much the masked-LM loss hangs on a channel: first-order, per token, from one backward pass a batch.

Axis letters: B batch, T tokens, C channels (of whatever tensor is watched).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from edgeenc.compress.losses import chosen_logits, masked_lm
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.text.batches import Batching, Masked, masked_stream
from edgeenc.text.corpus import Corpus


def calibration(encoder: Encoder, corpus: Corpus, batches: int, seed: int) -> list[Masked]:
    """Return `batches` fixed batches of training text; held-out text is never used to choose what to cut."""
    read = Batching(rate=0.15, lengths=(min(64, encoder.shape.longest),))
    stream = masked_stream([corpus.train], encoder.tokenizer, read, seed=seed)
    return [stream(step) for step in range(batches)]


def importance(encoder: Encoder, modules: Sequence[nn.Module], batches: Iterable[Masked]) -> list[Tensor]:
    """Return for each of `modules` the importance (C,) of the channels of its input.

    The score of a channel is the sum over tokens of |x * dL/dx|, x the input of the module and L the masked-LM loss
    (nats): what the loss would change, to first order, if that token's channel were set to zero. The absolute
    value is taken per token, so that opposite signs do not cancel.

    Source: Molchanov et al. 2019, arXiv:1906.10771; arXiv:2505.16956, step 2, takes it per batch instead.

    Raises:
        InputError: there is no batch, so nothing could be judged.
    """
    seen: dict[int, Tensor] = {}
    scores: dict[int, Tensor] = {}
    parameters = [p for p in encoder.model.parameters() if p.requires_grad]
    handles = [_start_at_embeddings(encoder), *(_watch(module, seen, place) for place, module in enumerate(modules))]
    try:
        for p in parameters:
            p.requires_grad_(False)
        for batch in batches:
            masked_lm(chosen_logits(encoder, batch), batch.labels_P).backward()
            for place, x_BTC in seen.items():
                assert x_BTC.grad is not None  # every watched tensor lies between the embeddings and the loss
                gain_C = (x_BTC.detach() * x_BTC.grad).abs().flatten(0, -2).sum(0)
                scores[place] = scores.get(place, torch.zeros_like(gain_C)) + gain_C
    finally:
        for handle in handles:
            handle.remove()
        for p in parameters:
            p.requires_grad_(True)
    if not scores:
        raise InputError("importance: there is no batch to judge the channels on; give more text")
    return [scores[place] for place in range(len(modules))]


def _watch(module: nn.Module, seen: dict[int, Tensor], place: int) -> RemovableHandle:
    """Keep the input of `module` and its gradient in `seen[place]`."""

    def hook(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        args[0].retain_grad()
        seen[place] = args[0]

    return module.register_forward_pre_hook(hook)


def _start_at_embeddings(encoder: Encoder) -> RemovableHandle:
    """Let the gradient start at the embedded words, since no weight asks for one."""

    def hook(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output.detach().requires_grad_(True)

    return encoder.model.get_input_embeddings().register_forward_hook(hook)


def linears(encoder: Encoder, out: str, into: str) -> list[nn.Module]:
    """Return the first linear module of each layer that maps axis `into` to axis `out`, in the order of the layers.

    Worked example, BERT: (out="attention", into="hidden") gives the query of each layer.
    """
    first: dict[int, nn.Module] = {}
    for name, module in encoder.model.named_modules():
        layer = encoder.anatomy.layer_of(f"{name}.")
        if (
            layer is not None
            and isinstance(module, nn.Linear)
            and encoder.anatomy.axes(f"{name}.weight") == (out, into)
        ):
            first.setdefault(layer, module)
    return [first[layer] for layer in sorted(first)]
