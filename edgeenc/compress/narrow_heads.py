"""Give every attention head fewer channels and lose as little as possible of what it computes.

Axis letters: H hidden, A attention channels, W channels of a head, K kept ones, I and J inputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from edgeenc.compress.modules import Attention


def narrow_heads(
    state: Mapping[str, Tensor], attentions: Sequence[Attention], heads: int, width: int
) -> dict[str, Tensor]:
    """Return `state` with `heads` heads of `width` channels, each the nearest of that rank to the old one.

    A head's scores depend on the inputs of query and key, each with a 1 behind it, through the one matrix
    ``[Wq bq]^T [Wk bk]`` alone: it is replaced by its best approximation of rank `width`, whose halves are the new
    query and key; the query is scaled so that scores, divided by a smaller root, keep their size. What a head writes
    depends on ``Wo Wv`` alone, likewise; the value's bias goes into the output's, exactly, since attention weights sum
    to 1. At full width nothing changes but the basis.

    Source: Eckart and Young 1936, Psychometrika 1(3), for the best approximation.
    """
    new = dict(state)
    for names in attentions:
        (query, query_bias), (key, key_bias) = _linear(state, names.query), _linear(state, names.key)
        (value, value_bias), (output, output_bias) = _linear(state, names.value), _linear(state, names.output)
        query_HWI = _heads(torch.cat([query, query_bias[:, None]], dim=1), heads)
        key_HWI = _heads(torch.cat([key, key_bias[:, None]], dim=1), heads)
        value_HWI, output_HWJ = _heads(value, heads), _heads(output.T, heads)
        scale = math.sqrt(width / query_HWI.shape[1])
        pairs = [nearest(q, k, width) for q, k in zip(query_HWI, key_HWI, strict=True)]
        passed = [nearest(o, v, width) for o, v in zip(output_HWJ, value_HWI, strict=True)]
        query_AI = torch.cat([left for left, _ in pairs]) * scale
        key_AI, value_AI = torch.cat([right for _, right in pairs]), torch.cat([right for _, right in passed])
        new |= {f"{names.query}.weight": query_AI[:, :-1], f"{names.query}.bias": query_AI[:, -1]}
        new |= {f"{names.key}.weight": key_AI[:, :-1], f"{names.key}.bias": key_AI[:, -1]}
        new |= {f"{names.value}.weight": value_AI, f"{names.value}.bias": value_AI.new_zeros(len(value_AI))}
        written = torch.cat([left for left, _ in passed]).T
        new |= {f"{names.output}.weight": written, f"{names.output}.bias": output_bias + output @ value_bias}
    return {name: tensor.contiguous() for name, tensor in new.items()}


def _linear(state: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a linear layer."""
    return state[f"{name}.weight"], state[f"{name}.bias"]


def _heads(rows_AI: Tensor, heads: int) -> Tensor:
    """Return the rows of each head (heads, W, I)."""
    return rows_AI.unflatten(0, (heads, -1))


def nearest(left_WI: Tensor, right_WJ: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return (K, I) and (K, J) whose product ``left^T right`` is the nearest of rank K to that of what is given.

    Worked example: left = diag(3, 1), right = diag(1, 1), rank 1: the product diag(3, 1) becomes diag(3, 0), shared
    out evenly: rows (root 3, 0) and (root 3, 0).
    """
    left_basis, left_core = torch.linalg.qr(left_WI.double().T)
    right_basis, right_core = torch.linalg.qr(right_WJ.double().T)
    u, sizes, vt = torch.linalg.svd(left_core @ right_core.T)
    root_K = sizes[:rank].sqrt()
    left_KI, right_KJ = (left_basis @ (u[:, :rank] * root_K)).T, (right_basis @ (vt[:rank].T * root_K)).T
    return left_KI.to(left_WI.dtype), right_KJ.to(right_WJ.dtype)
