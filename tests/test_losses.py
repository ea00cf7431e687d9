"""Losses by hand."""

from __future__ import annotations

import math

import pytest
import torch

from edgeenc.compress.losses import divergence, masked_lm


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
