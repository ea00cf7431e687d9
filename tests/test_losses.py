"""Losses by hand."""

from __future__ import annotations

import math

import pytest
import torch

from edgeenc.compress.losses import (
    divergence,
    in_parts,
    logit_error,
    logit_sum,
    masked_lm,
    soft_cross_entropy,
)


def test_cross_entropy_by_hand() -> None:
    """Logits (ln 3, 0) put 3/4 on the first: -ln 3/4 and -ln 1/4, mean 0.8370."""
    logits = torch.tensor([[math.log(3), 0.0], [math.log(3), 0.0]])
    expected = -(math.log(0.75) + math.log(0.25)) / 2
    assert float(masked_lm(logits, torch.tensor([0, 1]))) == pytest.approx(expected, abs=1e-6)


def test_divergence_by_hand() -> None:
    """Teacher (3/4, 1/4), student (1/2, 1/2), T = 1: 0.75 ln 1.5 + 0.25 ln 0.5 = 0.1308."""
    teacher, student = torch.tensor([[math.log(3), 0.0]]), torch.zeros(1, 2)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert float(divergence(student, teacher, 1.0)) == pytest.approx(expected, abs=1e-6)
    assert float(divergence(teacher, teacher, 3.0)) == pytest.approx(0.0, abs=1e-6)


def test_temperature_squared_keeps_the_gradient() -> None:
    """T = 2 halves the teacher's log odds to ln(3)/2: odds root 3 to 1, and the divergence is multiplied by 4."""
    teacher, student = torch.tensor([[math.log(3), 0.0]]), torch.zeros(1, 2)
    p = math.sqrt(3) / (1 + math.sqrt(3))
    expected = 4 * (p * math.log(2 * p) + (1 - p) * math.log(2 * (1 - p)))
    assert float(divergence(student, teacher, 2.0)) == pytest.approx(expected, abs=1e-6)


def test_the_mean_is_over_positions() -> None:
    teacher, student = torch.tensor([[math.log(3), 0.0]]), torch.zeros(1, 2)
    one = divergence(student, teacher, 1.0)
    assert torch.allclose(divergence(student.repeat(5, 1), teacher.repeat(5, 1), 1.0), one)


def test_the_error_of_raw_logits_by_hand() -> None:
    """Student (0, 0), teacher (3, 1): (9 + 1) / 2; a second position without error halves it."""
    student, teacher = torch.zeros(2, 2), torch.tensor([[3.0, 1.0], [0.0, 0.0]])
    assert float(logit_error(student[:1], teacher[:1])) == 5.0
    assert float(logit_error(student, teacher)) == 2.5
    assert float(logit_error(student, teacher)) == float(torch.nn.functional.mse_loss(student, teacher))


def test_soft_cross_entropy_is_divergence_and_the_teachers_entropy() -> None:
    """Teacher (3/4, 1/4), student (1/2, 1/2): ln 2; at T = 2 both sides are multiplied by 4."""
    teacher, student = torch.tensor([[math.log(3), 0.0]]), torch.zeros(1, 2)
    assert float(soft_cross_entropy(student, teacher, 1.0)) == pytest.approx(math.log(2), abs=1e-6)
    generator = torch.Generator().manual_seed(1)
    one, two = torch.randn(3, 7, generator=generator), torch.randn(3, 7, generator=generator)
    soft = torch.softmax(two / 2, -1)
    entropy = -(soft * soft.log()).sum(-1).mean()
    assert torch.allclose(soft_cross_entropy(one, two, 2.0), divergence(one, two, 2.0) + 4 * entropy, atol=1e-5)


@pytest.mark.parametrize("kind", ["kl", "ce", "mse"])
def test_positions_of_weight_zero_do_not_count(kind: str) -> None:
    """Junk at the last two positions changes neither the sum nor the gradient."""
    generator = torch.Generator().manual_seed(2)
    student, teacher = torch.randn(5, 7, generator=generator), torch.randn(5, 7, generator=generator)
    weight = torch.tensor([1.0, 1, 1, 0, 0])
    student.requires_grad_(True)
    part = logit_sum(kind, student, teacher, 3.0, weight)
    assert torch.allclose(part, logit_sum(kind, student[:3], teacher[:3], 3.0), atol=1e-5)
    part.backward()
    assert student.grad is not None
    assert bool(student.grad[:3].any()) and not student.grad[3:].any()


def test_parts_give_the_sum_and_the_gradient_of_the_whole() -> None:
    """Seven positions three at a time, against all at once; the widest token ever seen is three."""
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(7, generator=generator, dtype=torch.float64, requires_grad=True)
    widest = 0

    def part(where: torch.Tensor) -> torch.Tensor:
        nonlocal widest
        widest = max(widest, len(where))
        return torch.stack([weight[where].exp().sum(), weight[where].square().sum()])

    sums, gradients = [], []
    for most in (3, 7):
        value = in_parts(part, torch.arange(7), most)
        gradients.append(torch.autograd.grad(value @ torch.tensor([1.0, 2.0], dtype=torch.float64), weight)[0])
        sums.append(value)
        assert widest == most
    assert torch.allclose(sums[0], sums[1], atol=1e-12)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-12)
