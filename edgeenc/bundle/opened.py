"""The files of a model as gates check them: each beside what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeenc.bundle.gate import Exported
from edgeenc.model.purpose import Purpose
from edgeenc.targets.sessions.torch_session import checkpoint_session
from edgeenc.targets.target import Target


def opened(
    target: Target, checkpoint: Path, files: Mapping[str, Path], purpose: Purpose | None, threads: int = 1
) -> tuple[Exported, ...]:
    """Return the sessions of `files`, by precision, in the target's order.

    What was made from a file that is not here is compared with PyTorch.

    Args:
        target: whose files they are.
        checkpoint: the folder that they were made from.
        files: at least one.
        purpose: what they compute; None where the files tell it themselves.
        threads: of each session.

    Raises:
        InputError: the checkpoint or a file is missing or damaged.
    """
    here = [one for one in target.precisions if one.name in files]
    sessions = {one.name: one.open(files[one.name], threads, purpose) for one in here}
    torch = checkpoint_session(checkpoint, sessions[here[0].name].purpose)
    return tuple(
        Exported(one.name, sessions[one.name], sessions.get(one.source, torch), one.rounded, files[one.name])
        for one in here
    )
