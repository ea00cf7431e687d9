"""Time the untouched teacher and the student on the same sentences, each with its own tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeenc.planned import STUDENT, TEACHER, TEACHER_FILE
from edgeenc.record.latency import Latency
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work

TIMED_SENTENCES = 60


def time_models(work: Work) -> Latency:
    """Time what is to be published; sentences are those of the task, where it has enough."""
    import numpy as np

    from edgeenc.bench.turns import compare_latency

    first = work.plan.request.target.first
    teacher = f"teacher {first.name}"
    models = {teacher: work.input(TEACHER_FILE) / first.file}
    models |= {f"student {precision.name}": path for precision, path in work.files()}
    tokenizers = {name: work.input(TEACHER if name == teacher else STUDENT) for name in models}
    texts = work.texts()
    own = len(texts) - len(work.corpus().test)
    test = texts[:own] if own >= TIMED_SENTENCES else texts
    picked = np.random.default_rng(work.step.seed).permutation(len(test))[:TIMED_SENTENCES]
    sentences = [test[i] for i in picked]
    # both are given texts of one length, so that their times can be compared
    longest = min(work.longest_text(TEACHER), work.longest_text(STUDENT))
    return compare_latency(models, tokenizers, sentences, rounds=5, threads=1, longest=longest)


STEP = StepKind(name="bench", version=1, figures=Latency, does=time_models)
