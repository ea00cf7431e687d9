"""Libraries that read a folder of sentence vectors as it is give the vectors that its files give; those installed here.

Each text is read alone: the numbers of an int8 file differ in their last bits with what else is in a batch.

Axis letters: N texts, D dimensions of a vector.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeenc.bundle.gate import Exported, GateCase, GateKind
from edgeenc.errors import GateError
from edgeenc.machine.quiet import quiet
from edgeenc.model.config import load_shape
from edgeenc.model.sentence_head import SentenceHead, cut_tokenizer, read_sentence_head, write_sentence_head
from edgeenc.record.gates import Gate
from edgeenc.targets.sessions.session import Session

Vectors = NDArray[np.float64]

NEAR = 0.999
"""Cosine of the worst text: libraries differ by 1e-13, and where they map an int8 file's states in float32 by 5e-5, of
a toy of 24 channels by 6e-4; a prompt that one of them adds, or another pooling, moves vectors by 5e-3 and more."""
READ = 24
"""Texts that are read."""


@dataclass(frozen=True)
class ReadingLibrary:
    """A library that reads the folder.

    Attributes:
        name: in reports.
        needs: modules that must be installed.
        read: from the folder, the file's path in it and texts to their vectors (N, D).
        exported: whether it reads the exported files; else the weights of the checkpoint.
    """

    name: str
    needs: tuple[str, ...]
    read: Callable[[Path, str, Sequence[str]], Vectors]
    exported: bool

    @property
    def hindrance(self) -> str:
        """Why it cannot be asked here, or ""."""
        for name in self.needs:
            package = name.replace("_", "-")
            if importlib.util.find_spec(name) is None:
                return f"{package} is not installed"
            try:
                importlib.import_module(name)
            except Exception:  # whatever an installation raises whose parts do not fit each other
                return f"{package} cannot be imported"
        return ""


def _by_torch(folder: Path, file: str, texts: Sequence[str]) -> Vectors:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return _encoded(model.encode(list(texts), prompt="", batch_size=1, show_progress_bar=False))


def _by_onnx(folder: Path, file: str, texts: Sequence[str]) -> Vectors:
    from sentence_transformers import SentenceTransformer

    asked = {"file_name": file, "provider": "CPUExecutionProvider"}
    model = SentenceTransformer(str(folder), backend="onnx", device="cpu", local_files_only=True, model_kwargs=asked)
    return _encoded(model.encode(list(texts), prompt="", batch_size=1, show_progress_bar=False))


def _by_fastembed(folder: Path, file: str, texts: Sequence[str]) -> Vectors:
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    name = f"{folder}/{file}"  # a registry of the library, which takes each name once
    TextEmbedding.add_custom_model(
        model=name,
        pooling=PoolingType.DISABLED,
        normalization=False,
        output_name="sentence_embedding",
        sources=ModelSource(hf=name),
        dim=1,  # which it only shows
        model_file=file,
    )
    model = TextEmbedding(name, specific_model_path=str(folder), threads=1)
    return _encoded(np.stack(list(model.embed(list(texts), batch_size=1))))


def _encoded(found: object) -> Vectors:
    return np.asarray(found, dtype=np.float64)


READERS = (
    ReadingLibrary("sentence-transformers", ("sentence_transformers",), _by_torch, exported=False),
    ReadingLibrary("sentence-transformers onnx", ("sentence_transformers", "optimum"), _by_onnx, exported=True),
    ReadingLibrary("fastembed", ("fastembed",), _by_fastembed, exported=True),
)


def reader_gate(reader: ReadingLibrary, file: Exported, folder: Path, case: GateCase) -> Gate:
    """Return the cosine of the worst text between the vectors of a library and ours, of the same file or weights."""
    longest = (read_sentence_head(case.folder) or SentenceHead()).reads(load_shape(case.folder).longest)
    texts = [text for text in dict.fromkeys(case.lines) if text.strip()][:READ]
    path = "" if file.path is None else f"onnx/{file.path.name}"
    right_ND = _ours(file.session if reader.exported else file.source, case, texts, longest)
    found_ND = _read(reader, folder, path, texts)
    norms_N = np.linalg.norm(right_ND, axis=-1) * np.linalg.norm(found_ND, axis=-1)
    cosines = ((right_ND * found_ND).sum(axis=-1) / norms_N).tolist()
    worst, line = min(zip(cosines, texts, strict=True), key=lambda pair: (not np.isnan(pair[0]), pair[0]))
    name = f"{file.precision} {reader.name}" if reader.exported else reader.name
    return Gate(name, worst, NEAR, worst >= NEAR, "cosine", line)


def _read(reader: ReadingLibrary, folder: Path, path: str, texts: Sequence[str]) -> Vectors:
    """Return what the library reads, without what it says meanwhile: of weights that vectors do not need, of prompts.

    Raises:
        GateError: it cannot read the folder.
    """
    try:
        with quiet():
            return reader.read(folder, path, texts)
    except Exception as error:  # of any kind, since it is another's code
        package, said = reader.needs[0].replace("_", "-"), (str(error).strip().splitlines() or [""])[0][:200]
        raise GateError(
            f"gate {reader.name}: {package} {version(package)} cannot read the folder ({type(error).__name__}: {said});"
            " update it, or uninstall it to leave this gate out; nothing was published"
        ) from error


def _ours(session: Session, case: GateCase, texts: Sequence[str], longest: int) -> Vectors:
    found = []
    for text in texts:
        ids = case.tokenizer.encode(text).ids
        ids = ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]]
        ids_BT = np.asarray([ids], dtype=np.int64)
        found.append(session(ids_BT, np.ones_like(ids_BT))[0])
    return _encoded(np.stack(found))


@contextmanager
def _readable(case: GateCase) -> Iterator[Path]:
    """Yield a folder as it is published, of links to what is not yet put together."""
    if case.bundle is not None:
        yield case.bundle
        return
    with tempfile.TemporaryDirectory(prefix="edgeenc-readers-") as made:
        folder = Path(made)
        (folder / "onnx").mkdir()
        for path in sorted(case.folder.iterdir()):
            if path.is_file() and path.suffix in (".json", ".safetensors", ".txt"):
                os.symlink(path.resolve(), folder / path.name)
        for file in case.files:
            if file.path is not None:
                os.symlink(file.path.resolve(), folder / "onnx" / file.path.name)
        (folder / "modules.json").unlink(missing_ok=True)
        for name in ("config_sentence_transformers.json", "sentence_bert_config.json"):
            (folder / name).unlink(missing_ok=True)
        shape = load_shape(case.folder)
        head = read_sentence_head(case.folder) or SentenceHead()
        write_sentence_head(head, folder, shape.hidden, shape.longest)
        cut_tokenizer(folder, head.reads(shape.longest))
        yield folder


def _applies(case: GateCase) -> bool:
    return any(file.session.purpose.pooled_from and file.path is not None for file in case.files)


def _measure(case: GateCase) -> Iterator[Gate]:
    if not _applies(case) or all(reader.hindrance for reader in READERS):
        return
    with _readable(case) as folder:
        for reader in (one for one in READERS if not one.hindrance):
            files = case.files if reader.exported else [file for file in case.files if not file.rounded][:1]
            yield from (reader_gate(reader, file, folder, case) for file in files)


def _left_out(case: GateCase) -> Iterator[str]:
    if _applies(case):
        yield from dict.fromkeys(one.hindrance for one in READERS if one.hindrance)


READERS_AGREE = GateKind("readers", _measure, _left_out)
