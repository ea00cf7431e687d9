"""PyTorch, one operation after another: the body of a checkpoint. Axis letters: B batch, T tokens, H hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from edgeenc.bench.engines.clocks import by_clock, by_events
from edgeenc.bench.engines.engine import Engine, Files, LoadedModel
from edgeenc.bench.settings import FORMATS, Device
from edgeenc.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from edgeenc.targets.sessions.session import Ids, Output

NO_DEVICE = "PyTorch sees no CUDA device"


class States(Protocol):
    """What the body of a model returns, as far as it is read."""

    @property
    def last_hidden_state(self) -> torch.Tensor:
        """Hidden states after the last layer (B, T, H)."""
        ...


def start(device: Device) -> None:
    """Import the libraries, and start threads, product library and, on a GPU, its context."""
    import torch
    import transformers.models.bert.modeling_bert  # noqa: F401  # otherwise loaded with the first model

    # the context of a GPU is larger than a small model
    torch.mm(torch.zeros(8, 8, device=device), torch.zeros(8, 8, device=device))


def hindrance(device: Device, precision: str) -> str:
    """Return why nothing can run on this device here, or ""."""
    if device == "cpu":
        return ""
    import torch

    return "" if torch.cuda.is_available() else NO_DEVICE


def weights(files: Files, precision: str) -> Path | None:
    """Return the weights of the checkpoint, which are one file for all precisions."""
    from edgeenc.model.encoder import WEIGHTS

    found = files.folder / WEIGHTS
    return found if found.is_file() else None


def body(path: Path, device: Device, precision: str, threads: int) -> torch.nn.Module:
    """Load the body of a checkpoint as apps do: no output head, no pooler, weights in the precision of the run.

    Raises:
        InputError: the checkpoint that `path` belongs to is damaged.
        HostError: PyTorch does not run on this device here.
    """
    import torch
    from transformers import AutoModel

    from edgeenc.model.config import load_config

    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise HostError(NO_DEVICE)
    folder = path.parent
    load_config(folder)  # says in words what is wrong with it
    dtype = FORMATS[precision].torch_dtype()
    loaded = AutoModel.from_pretrained(folder, local_files_only=True, dtype=dtype, add_pooling_layer=False)
    return loaded.to(device).eval()


def ready(model: Callable[..., States], device: Device) -> LoadedModel:
    """Return a model on a device as one that can be timed."""
    import torch

    def forward(ids_BT: torch.Tensor, attend_BT: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return model(input_ids=ids_BT, attention_mask=attend_BT).last_hidden_state

    def moved(ids_BT: Ids, attend_BT: Ids) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(ids_BT).to(device), torch.from_numpy(attend_BT).to(device)

    def bind(ids_BT: Ids, attend_BT: Ids) -> Callable[[], float]:
        ids, attend = moved(ids_BT, attend_BT)
        timed = by_events if device == "cuda" else by_clock
        return lambda: timed(lambda: forward(ids, attend))

    def vram() -> tuple[int, int] | None:
        if device != "cuda":
            return None
        return torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()

    def run(ids_BT: Ids, attend_BT: Ids) -> Output:
        return forward(*moved(ids_BT, attend_BT)).float().cpu().numpy()

    return LoadedModel("last_hidden_state", "events" if device == "cuda" else "wall", bind, run, vram)


def load(path: Path, device: Device, precision: str, threads: int, opener: str = "") -> LoadedModel:
    """Load the checkpoint whose weights are at `path`; raises as `body`."""
    return ready(body(path, device, precision, threads), device)


def _lacks(precision: str) -> str:
    own = FORMATS.get(precision)
    return "" if own is not None and own.dtype else f"{precision} is the name of an exported file; PyTorch has none"


ENGINE = Engine(
    name="torch",
    words="PyTorch",
    lacks=_lacks,
    file=weights,
    no_file=lambda precision: "no checkpoint in the folder",
    hindrance=hindrance,
    start=start,
    open=load,
)
