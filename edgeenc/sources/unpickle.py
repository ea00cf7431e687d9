"""The child process that reads a pickle of weights; a program of its own, which imports nothing of edgeenc.

Called as `python -I unpickle.py OUT FILE...`; the last line of standard error says why it gave up.
"""

from __future__ import annotations

import pickle
import pickletools
import resource
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROOM = 16 << 30
"""Bytes of address space beyond the files: what the libraries map."""

_FORBIDDEN = ("socket.connect", "socket.bind", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen")
_TENSORS = ("torch", "collections")
"""Modules that a pickle of tensors names."""


_TABLES = ("state_dict", "model_state_dict", "model")
"""What training programs call the table of tensors in a larger one."""
_WRAPPED = "module."


def _stay_alone(event: str, _: tuple[object, ...]) -> None:
    """Refuse network and other programs, should a pickle ever get past the reader."""
    if event in _FORBIDDEN:
        raise PermissionError(event)


def main(out: str, *files: str) -> None:
    """Write all tensors of the pickles into one safetensors file; of tied ones the first, the metadata names others."""
    limit = ROOM + 6 * sum(Path(file).stat().st_size for file in files)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    from safetensors.torch import save_file

    sys.addaudithook(_stay_alone)
    state: dict[str, torch.Tensor] = {}
    tied: dict[str, str] = {}
    for file in files:
        own, second = _alone(_read(Path(file)))
        if twice := sorted((state.keys() | tied.keys()) & (own.keys() | second.keys())):
            sys.exit(f"{Path(file).name} has {twice[0]}, which a part before it has too")
        state, tied = state | own, tied | second
    if not state:
        sys.exit("there are no tensors")
    try:
        save_file(state, out, metadata={"format": "pt"} | tied)
    except (ValueError, TypeError, RuntimeError, KeyError, MemoryError) as error:
        sys.exit(f"the tensors cannot be written ({_first(error)})")


def _read(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a pickle, mapped into memory where the format allows it; ends the program on all else."""
    import torch

    try:
        found: object = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except Exception as error:
        sys.exit(f"{path.name} {_why(path, error)}")
    if not isinstance(found, dict):
        sys.exit(f"{path.name} holds no table of tensors, but a {type(found).__name__}")
    found = _inner(found)
    odd = [name for name, value in found.items() if not (isinstance(name, str) and isinstance(value, torch.Tensor))]
    if odd:
        first = f"{odd[0]!r:.60} is a {type(found[odd[0]]).__name__}"
        sys.exit(f"{path.name} holds other things than tensors: {len(odd)} of {len(found)} entries, {first}")
    return {str(name): tensor.detach() for name, tensor in found.items()}


def _inner(found: dict[Any, Any]) -> dict[Any, Any]:
    """Return the table of tensors that a training program has put beside its epoch and optimizer, under bare names.

    What runs a model on several devices begins each name with `module.`.
    """
    for name in _TABLES:
        own = found.get(name)
        if isinstance(own, dict):
            found = own
    if found and all(isinstance(name, str) and name.startswith(_WRAPPED) for name in found):
        return {str(name).removeprefix(_WRAPPED): value for name, value in found.items()}
    return found


def _alone(found: dict[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Return the tensors, each with bytes of its own, and of those that are another's bytes, whose."""
    state: dict[str, torch.Tensor] = {}
    tied: dict[str, str] = {}
    seen: dict[tuple[Any, ...], str] = {}
    for name, tensor in found.items():
        if tensor.layout.__str__() != "torch.strided":
            sys.exit(f"{name} is a sparse tensor, which safetensors cannot hold")
        place = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        if tensor.numel() and place in seen:
            tied[name] = seen[place]
            continue
        seen[place] = name
        whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
        state[name] = tensor.contiguous() if whole else tensor.clone(memory_format=_dense())
    return state, tied


def _dense() -> torch.memory_format:
    import torch

    return torch.contiguous_format


def _why(path: Path, error: Exception) -> str:
    """Return why a file was not read: whether it asked for code, is damaged, too large or something else."""
    first = _first(error)
    if isinstance(error, pickle.UnpicklingError):
        if names := _code(path):
            return f"is refused, nothing in it ran (it asks for {', '.join(names[:3])})"
        if path.read_bytes()[:40].startswith(b"version https://git-lfs"):
            return "is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder"
        return f"is no pickle of tensors as torch.save writes it ({first})"
    if isinstance(error, MemoryError) or "allocate" in str(error):
        return f"needs more memory than there is ({first})"
    if _is_zip(path) and not zipfile.is_zipfile(path):  # its table of contents stands at the end
        return "is cut off or damaged (it does not end as it should); fetch it again"
    if isinstance(error, EOFError) or "EOF" in str(error) or "zip archive" in str(error):
        return f"is cut off or damaged ({first}); fetch it again"
    return f"cannot be read ({first})"


def _first(error: Exception) -> str:
    """Return the first line of what the library says, without its advice."""
    words = str(error).rpartition("WeightsUnpickler error:")[2].strip() or type(error).__name__
    return words.splitlines()[0].partition(". This is an internal")[0][:160]


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _code(path: Path) -> list[str]:
    """Return what a pickle names beside tensors, by reading its instructions without following them."""
    names: list[str] = []
    words: list[str] = []
    try:
        for code, value, _ in pickletools.genops(_instructions(path)):
            if code.name in ("GLOBAL", "INST"):
                names.append(str(value).replace(" ", "."))
            elif code.name == "STACK_GLOBAL":
                names.append(".".join(words[-2:]))
            elif isinstance(value, str):
                words.append(value)
    except Exception:  # what comes after the first pickle of the old format, or is none
        pass
    return [name for name in names if name.partition(".")[0] not in _TENSORS]


def _instructions(path: Path) -> bytes:
    if not _is_zip(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        return archive.read(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
