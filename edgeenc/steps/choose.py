"""Take the seed with the best figure on validation, the first of several; its files are what is shipped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.planned import Role
from edgeenc.record.steps import ChoiceFigures, TuneFigures
from edgeenc.steps.line.step_kind import StepKind, figures_of
from edgeenc.store import MANIFEST

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def choose(work: Work) -> ChoiceFigures:
    """Copy checkpoint and exported files of the best seed."""
    from edgeenc.model.encoder import WEIGHTS

    tuned = [role for role in work.step.inputs if role.part == "tuned"]
    found = {role.seed: _validation(work, role) for role in tuned if role.seed is not None}
    best = max(found, key=found.__getitem__)
    for path in sorted(work.input(Role("tuned", seed=best)).iterdir()):
        if path.is_file() and path.suffix in (".json", ".txt", Path(WEIGHTS).suffix) and path.name != MANIFEST:
            shutil.copyfile(path, work.out / path.name)
    for _, path in work.files(best):
        shutil.copyfile(path, work.out / path.name)
    return ChoiceFigures(seed=best, validation={str(seed): value for seed, value in found.items()})


def _validation(work: Work, role: Role) -> float:
    figures = figures_of(work.manifest(role))
    assert isinstance(figures, TuneFigures)
    return figures.validation


STEP = StepKind(name="choose", version=1, figures=ChoiceFigures, does=choose)
