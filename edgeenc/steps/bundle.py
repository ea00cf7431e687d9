"""Put what was made, verified and measured into one folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgeenc.planned import STUDENT, Role, StepName
from edgeenc.record.steps import Nothing
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def make_bundle(work: Work) -> Nothing:
    """Assemble the bundle: the files that were verified, and the facts of all steps before this one."""
    from edgeenc.bundle.assemble import Contents, assemble
    from edgeenc.steps.line.summary import facts_of
    from edgeenc.steps.score import PREDICTIONS
    from edgeenc.steps.vectors import SEARCHES

    manifests = {step.name: work.store.manifest(step.key, step.name) for step in work.plan.steps[:-1]}
    request, scored = work.plan.request, Role("step", step=str(StepName("score")))
    searched = Role("step", step=str(StepName("vectors")))
    verified = replace(work, step=work.plan.step(str(StepName("verify"))))
    contents = Contents(
        checkpoint=verified.input(STUDENT),
        files={one.name: path for one, path in verified.files() if one.name in request.precisions},
        lines=verified.texts(),
        recipe=request.recipe.to_yaml(),
        facts=facts_of(work.plan, {name: m for name, m in manifests.items() if m is not None}),
        target=request.target,
        purpose=request.purpose,
        predictions=work.input(scored) / PREDICTIONS if scored in work.step.inputs else None,
        searches=work.input(searched) / SEARCHES if searched in work.step.inputs else None,
    )
    assemble(contents, work.out / "bundle")
    return Nothing()


STEP = StepKind(name="bundle", version=1, figures=Nothing, does=make_bundle)
