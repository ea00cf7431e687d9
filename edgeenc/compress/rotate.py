"""Express the residual stream in its principal components: a start for training, not an equal model.

Axis letters: H hidden, K kept components, N tokens, P chosen tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeenc.compress.least_squares import Seen, ridge, with_one
from edgeenc.compress.modules import Attention, attentions, norms
from edgeenc.compress.narrow_heads import narrow_heads
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.model.surgery import rebuild
from edgeenc.text.batches import Masked

AMPLITUDE = 0.5
"""Root mean square of what the head's transform gives to its activation, which bends little near zero."""
RIDGE = 1e-3

Visit = Callable[[str, Tensor, Tensor], None]
"""Takes the name of a module, its input and its output, each (N, H)."""


def rotate(encoder: Encoder, batches: Sequence[Masked], shape: Shape) -> Encoder:
    """Return an encoder of `shape` whose stream is u = P^T h, h the old stream and P (H, K) its `components`.

    What reads the stream reads P u, what writes it writes through P^T, heads are narrowed by singular values
    (`narrow_heads`). Exact, up to the head of the language model: everything at full width, where each norm has one
    gain for all channels. Approximated:

    - the components beyond K are lost;
    - a norm's gains belong to channels, not to components: gain and bias of each component are the line that comes
      nearest to what the old norm gave, site by site, on the old model's own inputs;
    - behind the head's transform is an activation, through which no rotation passes: the transform becomes the
      least-squares affine map to the projected output of the head, kept small, where the activation bends little. A
      head that leaves the stream for the width of a narrower table has nothing to approximate.

    Source: the rotation of Ashkboos et al. 2024, arXiv:2401.15024 (SliceGPT), exact for norms that scale by one number;
    the fits are ours.

    Raises:
        InputError: `batches` is empty, or the family's query, key and value are not three matrices.
    """
    if not batches:
        raise InputError("truncate-hidden: there is no batch to find principal components on; give more text")
    found = attentions(encoder)
    body, last = _norms(encoder)
    basis_HK = components(_moments(encoder, body, batches), shape.hidden)
    if encoder.sentence is not None:
        encoder = replace(encoder, sentence=encoder.sentence.reading(basis_HK))
    state = _projected(encoder, basis_HK) | _fitted_norms(encoder, body, batches, basis_HK)
    if last is None:
        return rebuild(encoder, _narrowed(state, found, shape, encoder.model.dtype), shape)
    transform = _transform(encoder)
    state |= _fitted_transform(encoder, (transform, last), batches, basis_HK)
    rotated = rebuild(encoder, _narrowed(state, found, shape, encoder.model.dtype), shape)
    return rebuild(rotated, rotated.model.state_dict() | _fitted_head(encoder, rotated, last, batches, basis_HK), shape)


def components(moments_HH: Tensor, count: int) -> Tensor:
    """Return an orthonormal basis P (H, K): the mean of all channels, and the strongest components beside it.

    P^T carries the all-ones vector of H channels to that of K, so that a norm, which takes the mean of all channels
    away, takes the same away after the rotation.
    """
    hidden = len(moments_HH)
    ones_H1 = torch.full((hidden, 1), hidden**-0.5, dtype=torch.float64)
    rest_HH = torch.eye(hidden, dtype=torch.float64) - ones_H1 @ ones_H1.T
    vectors_HH = torch.linalg.eigh(rest_HH @ moments_HH @ rest_HH).eigenvectors.flip(1)
    mirror_K = torch.full((count,), -(count**-0.5), dtype=torch.float64)
    mirror_K[0] += 1
    turn_KK = torch.eye(count, dtype=torch.float64)
    if count > 1:
        turn_KK -= 2 * torch.outer(mirror_K, mirror_K) / mirror_K.square().sum()
    return torch.cat([ones_H1, vectors_HH[:, : count - 1]], dim=1) @ turn_KK


@dataclass(frozen=True)
class LineSums:
    """Sums over tokens, for each component: count, x, y, x^2, x * y; from them the nearest line through (x, y)."""

    sums_5K: Tensor

    @staticmethod
    def of(x_NK: Tensor, y_NK: Tensor) -> LineSums:
        """Return the sums of some tokens."""
        terms = (torch.ones_like(x_NK), x_NK, y_NK, x_NK.square(), x_NK * y_NK)
        return LineSums(torch.stack([term.sum(0) for term in terms]))

    def __add__(self, other: LineSums) -> LineSums:
        return LineSums(self.sums_5K + other.sums_5K)

    def fit(self) -> tuple[Tensor, Tensor]:
        """Return slope and offset of each component.

        Worked example: points (0, 1) and (2, 5) give slope 2 and offset 1.
        """
        count, x, y, squares, products = self.sums_5K
        spread = (squares / count - (x / count).square()).clamp_min(1e-12)
        slope = (products / count - x * y / count.square()) / spread
        return slope, (y - slope * x) / count


def _norms(encoder: Encoder) -> tuple[list[str], str | None]:
    """Return the names of the norms of the stream: those of the encoder proper, and the head's, if it has one."""
    found = [name for name in norms(encoder) if encoder.family.axes(f"{name}.weight") == ("hidden",)]
    body = [name for name in found if name.startswith(encoder.family.body)]
    return body, next((name for name in found if name not in body), None)


def _transform(encoder: Encoder) -> str:
    """Return the name of the head's linear module from hidden to hidden."""
    table, state = encoder.family, encoder.model.state_dict()
    square = [n for n in state if table.axes(n) == ("hidden", "hidden") and table.layer_of(n) is None]
    (name,) = square
    return name.removesuffix(".weight")


def _visit(encoder: Encoder, modules: Sequence[str], batches: Sequence[Masked], visit: Visit) -> None:
    """Run the model on every batch, its head at the masked positions, and show what the named modules do."""

    def hook_of(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda _, args, output: visit(name, args[0].flatten(0, -2).double(), output.flatten(0, -2).double())

    handles = [encoder.model.get_submodule(name).register_forward_hook(hook_of(name)) for name in modules]
    try:
        with torch.no_grad():
            for batch in batches:
                encoder.logits(batch.at_chosen(encoder.hidden(batch.ids_BT)))
    finally:
        for handle in handles:
            handle.remove()


def _moments(encoder: Encoder, body: Sequence[str], batches: Sequence[Masked]) -> Tensor:
    """Return the sum over norms and tokens of the stream times itself (H, H)."""
    total_HH = torch.zeros(encoder.shape.hidden, encoder.shape.hidden, dtype=torch.float64)

    def add(_: str, __: Tensor, wrote_NH: Tensor) -> None:
        total_HH.add_(wrote_NH.T @ wrote_NH)

    _visit(encoder, body, batches, add)
    return total_HH


def _projected(encoder: Encoder, basis_HK: Tensor) -> dict[str, Tensor]:
    """Return every parameter with P^T in the place of each hidden axis, in float64."""
    state = {}
    for name, tensor in encoder.family.untied(encoder.model.state_dict()).items():
        new = tensor.double()
        for place, axis in enumerate(encoder.family.axes(name)):
            if axis == "hidden":
                new = (new.movedim(place, -1) @ basis_HK).movedim(-1, place)
        state[name] = new
    return state


def _fitted_norms(
    encoder: Encoder, body: Sequence[str], batches: Sequence[Masked], basis_HK: Tensor
) -> dict[str, Tensor]:
    """Return gain and bias of every norm of the encoder proper."""
    lines: dict[str, LineSums] = {}

    def add(name: str, read_NH: Tensor, wrote_NH: Tensor) -> None:
        now = LineSums.of(_normalised(read_NH @ basis_HK), wrote_NH @ basis_HK)
        lines[name] = lines[name] + now if name in lines else now

    _visit(encoder, body, batches, add)
    return {key: value for name, line in lines.items() for key, value in _gains(name, line).items()}


def _normalised(stream_NK: Tensor) -> Tensor:
    return F.layer_norm(stream_NK, stream_NK.shape[-1:], eps=1e-12)


def _gains(name: str, line: LineSums) -> dict[str, Tensor]:
    slope, offset = line.fit()
    return {f"{name}.weight": slope, f"{name}.bias": offset}


def _fitted_transform(
    encoder: Encoder, names: tuple[str, str], batches: Sequence[Masked], basis_HK: Tensor
) -> dict[str, Tensor]:
    """Return the head's transform, given its name and that of the norm behind it."""
    transform, last = names
    inputs: list[Tensor] = []
    found: list[Seen] = []
    square = count = 0.0

    def add(name: str, read_PH: Tensor, wrote_PH: Tensor) -> None:
        nonlocal square, count
        if name == transform:
            inputs[:] = [with_one(read_PH @ basis_HK)]
            return
        target_PK = wrote_PH @ basis_HK
        square, count = square + float(target_PK.square().sum()), count + target_PK.numel()
        now = Seen.of(inputs[0], target_PK)
        found[:] = [found[0] + now] if found else [now]

    _visit(encoder, [transform, last], batches, add)
    map_IK = ridge(found[0], RIDGE) * (AMPLITUDE * (count / max(square, 1e-30)) ** 0.5)
    return {f"{transform}.weight": map_IK[:-1].T, f"{transform}.bias": map_IK[-1]}


def _fitted_head(
    encoder: Encoder, rotated: Encoder, last: str, batches: Sequence[Masked], basis_HK: Tensor
) -> dict[str, Tensor]:
    """Return gain and bias of the head's norm, on what the rotated head gives it for the old model's stream."""
    targets, inputs = list[Tensor](), list[Tensor]()
    _visit(encoder, [last], batches, lambda _, __, wrote_PH: targets.append(wrote_PH @ basis_HK))
    handle = rotated.model.get_submodule(last).register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    try:
        with torch.no_grad():
            for batch in batches:
                stream_PH = batch.at_chosen(encoder.hidden(batch.ids_BT))
                rotated.logits((stream_PH.double() @ basis_HK).to(stream_PH.dtype))
    finally:
        handle.remove()
    line = LineSums.of(_normalised(torch.cat(inputs).double()), torch.cat(targets))
    return {name: value.to(encoder.model.dtype) for name, value in _gains(last, line).items()}


def _narrowed(
    state: dict[str, Tensor], found: Sequence[Attention], shape: Shape, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return the state with the heads of `shape`, in the model's dtype."""
    narrow = narrow_heads(state, found, shape.heads, shape.head_width)
    return {name: tensor.to(dtype) for name, tensor in narrow.items()}
