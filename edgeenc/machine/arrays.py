"""Arrays that are kept under an address: each in a file that is whole or not there, and whose damage is seen.

A file is the sha256 of what follows, and the array as numpy writes it.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.machine.disk import on_disk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HASH_BYTES = 32
FRESH = ".new"
"""How the name of a file ends that is still being written."""


@dataclass(frozen=True)
class ArrayFolder:
    """Arrays of float32 in a folder, which is made when it is needed; many processes may use it at once."""

    folder: Path

    def read(self, address: str) -> NDArray[np.float32] | None:
        """Return the array of an address, or None where there is none, or one that was damaged."""
        import numpy as np  # what only lists a store does without

        with on_disk(self.folder):
            try:
                raw = self._file(address).read_bytes()
            except FileNotFoundError:
                return None
        digest, body = raw[:HASH_BYTES], raw[HASH_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            return None
        with suppress(ValueError, EOFError):  # what another program wrote there, hash and all
            found = np.load(io.BytesIO(body), allow_pickle=False)
            return found if found.dtype == np.float32 else None
        return None

    def write(self, address: str, array: NDArray[np.float32]) -> None:
        """Keep an array; it appears by one rename.

        Raises:
            HostError: the disk is full or not writable; nothing appears.
        """
        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        body = buffer.getvalue()
        with on_disk(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=FRESH, dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(body).digest() + body)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._file(address))
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(name)
                raise

    def _file(self, address: str) -> Path:
        return self.folder / f"{address}.array"
