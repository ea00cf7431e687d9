"""What random weights reach on the kit's text: measured once, by the recipe `starter-control`, and shown by others.

A control takes as many tokens as all trainings of a build together, which the starter recipe's few minutes do not have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from edgeenc.record.form import parse
from edgeenc.sources.kit import STARTER, data_folder

ALIKE = 1e-6
"""Two unigram baselines that differ by less, relatively, were counted on the same text with the same masked words."""

A_BATCH = 1e-3
"""Every training reads whole batches, so that several read a little more than one of as many tokens."""


@dataclass(frozen=True, slots=True)
class Control:
    """A recorded control: its bits per character, and which build measured it."""

    bits: float
    measured: str


@dataclass(frozen=True, slots=True)
class RecordedControl:
    """A language's control in the kit: `random` is its bits per character, the others say what it is of."""

    parameters: int
    tokens: int
    unigram: float
    random: float


@dataclass(frozen=True, slots=True)
class RecordedControls:
    """The kit's file of controls, by language."""

    measured: str
    languages: Mapping[str, RecordedControl]


def recorded_control(language: str, *, parameters: int, tokens: int, unigram: float) -> Control | None:
    """Return the control of the same shape and the same number of tokens on the same text, or None.

    Args:
        language: tag of the language.
        parameters: of the student.
        tokens: read by all trainings of the build.
        unigram: bits per character of the unigram baseline, which stands for text, tokenizer and masked words.
    """
    records = parse(RecordedControls, (data_folder(STARTER) / "controls.json").read_bytes())
    found = records.languages.get(language)
    if found is None:
        return None
    same = (
        found.parameters == parameters
        and math.isclose(found.tokens, tokens, rel_tol=A_BATCH)
        and math.isclose(found.unigram, unigram, rel_tol=ALIKE)
    )
    return Control(found.random, records.measured) if same else None
