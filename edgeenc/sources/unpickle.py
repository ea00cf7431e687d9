"""The child process that reads a pickle of weights; a program of its own, which imports nothing of edgeenc.

Called as `python -I unpickle.py OUT FILE...`; the last line of standard error says why it gave up.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

ROOM = 16 << 30
"""Bytes of address space beyond the files: what the libraries map."""

_FORBIDDEN = ("socket.connect", "socket.bind", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen")


def _stay_alone(event: str, _: tuple[object, ...]) -> None:
    """Refuse network and other programs, should a pickle ever get past the reader."""
    if event in _FORBIDDEN:
        raise PermissionError(event)


def main(out: str, *files: str) -> None:
    """Write all tensors of the pickles into one safetensors file; each gets bytes of its own."""
    limit = ROOM + 6 * sum(Path(file).stat().st_size for file in files)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    import torch
    from safetensors.torch import save_file

    sys.addaudithook(_stay_alone)
    state: dict[str, torch.Tensor] = {}
    for file in files:
        try:
            found = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            words = str(error).partition("WeightsUnpickler error:")[2].strip() or str(error).strip()
            sys.exit(
                f"{Path(file).name} is refused, nothing in it ran ({(words or repr(error)).splitlines()[0][:160]})"
            )
        if not isinstance(found, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
            sys.exit(f"{Path(file).name} is no table of tensors by name")
        if twice := sorted(state.keys() & found.keys()):
            sys.exit(f"{Path(file).name} has {twice[0]}, which a part before it has too")
        state |= {str(name): tensor.detach().clone().contiguous() for name, tensor in found.items()}
    if not state:
        sys.exit("there are no tensors")
    save_file(state, out, metadata={"format": "pt"})


if __name__ == "__main__":
    main(*sys.argv[1:])
