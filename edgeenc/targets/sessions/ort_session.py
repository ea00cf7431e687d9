"""Run an ONNX file in ONNX Runtime; this needs numpy and onnxruntime only.

Axis letters: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from edgeenc.errors import HostError, InputError
from edgeenc.model.purpose import Purpose, encoder_purposes
from edgeenc.targets.sessions.session import Ids, Output


class OrtGraph:
    """Whatever tensors of an ONNX file that reads texts, by their names."""

    def __init__(self, path: Path, threads: int = 1, provider: str = "CPUExecutionProvider") -> None:
        """Load the file.

        Raises:
            InputError: it is missing or damaged.
            HostError: ONNX Runtime cannot use this provider here; by itself it would take the CPU without a word.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        except Exception as error:  # the library's exceptions share no base class
            raise InputError(f"{path}: ONNX Runtime cannot load it ({error}); export or download it again") from None
        if provider not in self._session.get_providers():
            raise HostError(f"{path}: ONNX Runtime cannot use {provider} on this machine")
        self._inputs = {value.name for value in self._session.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs."""
        return [value.name for value in self._session.get_outputs()]

    def __call__(self, names: Sequence[str], ids_BT: Ids, attend_BT: Ids) -> list[np.ndarray]:
        """Return the outputs of these names; every token is of type 0."""
        feeds = {"input_ids": ids_BT, "attention_mask": attend_BT, "token_type_ids": np.zeros_like(ids_BT)}
        found = self._session.run(list(names), {name: feeds[name] for name in feeds if name in self._inputs})
        return [np.asarray(one) for one in found]


class OrtSession:
    """An ONNX file in ONNX Runtime, on the CPU with one thread unless told otherwise."""

    def __init__(
        self, path: Path, threads: int = 1, purpose: Purpose | None = None, provider: str = "CPUExecutionProvider"
    ) -> None:
        """Load the file; `purpose` tells what its logits are of, where they are no masked LM's.

        Raises:
            InputError: it is missing or damaged, or has no output of a known purpose, or not that of `purpose`.
            HostError: ONNX Runtime cannot use this provider here; by itself it would take the CPU without a word.
        """
        self._graph = OrtGraph(path, threads, provider)
        self._purpose = _purpose(path, self._graph.outputs, purpose)

    @property
    def purpose(self) -> Purpose:
        """What the output is."""
        return self._purpose

    def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
        """Return what `Session` says; every token is of type 0."""
        (output,) = self._graph([self._purpose.output], ids_BT, attend_BT)
        return np.asarray(output, dtype=np.float32)


def _purpose(path: Path, outputs: Sequence[str], asked: Purpose | None) -> Purpose:
    """Return what a file is run for: what is asked for, or what its outputs tell.

    Of several known outputs the one that is made of another is meant, or else the first.

    Raises:
        InputError: it has none of these.
    """
    known = {one.output: one for one in ((asked,) if asked else encoder_purposes())}
    found = [known[name] for name in outputs if name in known]
    if not found:
        raise InputError(f"{path}: the outputs are {', '.join(outputs)}; expected one of {', '.join(known)}")
    return next((one for one in found if one.pooled_from), found[0])
