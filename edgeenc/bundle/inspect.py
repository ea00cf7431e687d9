"""What is in a checkpoint folder or a bundle; weights are counted by their header alone."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.model.checkpoint import own_name, read_checkpoint
from edgeenc.model.config import look_at_config
from edgeenc.model.family import Family
from edgeenc.model.header import Stored
from edgeenc.model.purpose import labelled_purpose
from edgeenc.model.reduction import added_parameters, reduction_of, weights_of
from edgeenc.model.sentence_head import sentence_head_if_known
from edgeenc.model.shape import Shape, shape_of
from edgeenc.model.weights import headers
from edgeenc.record.form import read_json
from edgeenc.record.inspected import Inspected, PartsStored, PartStored, TokenizerFile
from edgeenc.store import BUNDLE_MARK, MANIFEST
from edgeenc.targets.target import targets
from edgeenc.text.token_ids import token_ids


def look(path: Path) -> Inspected:
    """Look into a checkpoint folder or a bundle.

    Raises:
        InputError: no such folder, no `config.json` or file of weights, one of them damaged, or an unknown family.
    """
    config = look_at_config(path)
    shape = shape_of(config)
    weights = weights_of(config)
    header = headers(path, weights)
    parts = _parts(header, shape.table)
    tokenizer = _tokenizer(path / "tokenizer.json")
    expected, notes, refusal = shape.parameters, tuple[str, ...](), ""
    if labelled_purpose(config) is not None:  # the library counts a part of its head to the body
        parts = replace(parts, head=parts.unused, unused=PartStored())
        reduction = reduction_of(config)
        expected = shape.encoder_parameters + parts.head.parameters
        expected += added_parameters(shape, reduction) if reduction is not None else 0
    else:
        notes, refusal = _as_teacher(path)
    fits = bool(notes) and not refusal
    problems = () if fits else _odd(weights, parts.loaded, expected, tokenizer, shape.vocab)
    exported = dict.fromkeys(file for target in targets() for file in target.all_in(path))
    return Inspected(
        path=str(path),
        kind="bundle" if _is_bundle(path) else "checkpoint",
        family=shape.family,
        shape=shape.sizes,
        parameters=parts.loaded,
        parts=parts,
        dtypes=tuple(sorted({tensor.dtype for tensor in header.values()})),
        tokenizer=tokenizer,
        files={file.relative_to(path).as_posix(): file.stat().st_size for file in exported},
        notes=notes,
        sentence=_sentence(path, shape),
        refusal=refusal,
        problems=problems,
    )


def _as_teacher(path: Path) -> tuple[tuple[str, ...], str]:
    """Return what is done beside reading the encoder, and why a build would refuse it, in the words of a build."""
    try:
        return read_checkpoint(path).notes, ""
    except InputError as error:
        return (), str(error)


def _sentence(path: Path, shape: Shape) -> str:
    """Return how one vector of a text is made, in words; "" where the files say nothing of it."""
    head, why = sentence_head_if_known(path)
    return f"not known: {why}" if why else head.words(shape.hidden, shape.longest) if head else ""


def _odd(weights: str, parameters: int, expected: int, tokenizer: TokenizerFile | None, vocab: int) -> tuple[str, ...]:
    """Return which counts differ."""
    problems = []
    if parameters != expected:
        problems.append(f"{weights} has {parameters:,} parameters, config.json says {expected:,}")
    if tokenizer is None:
        problems.append("tokenizer.json is missing")
    elif tokenizer.tokens != vocab:
        problems.append(f"the tokenizer has {tokenizer.tokens:,} tokens, config.json says {vocab:,}")
    return tuple(problems)


def _parts(header: dict[str, Stored], family: Family) -> PartsStored:
    held = [(_part_of(name, header, family), tensor) for name, tensor in header.items()]

    def stored(part: str) -> PartStored:
        own = [tensor for name, tensor in held if name == part]
        return PartStored(
            parameters=sum(math.prod(tensor.shape) for tensor in own),
            bytes=sum(tensor.data_offsets[1] - tensor.data_offsets[0] for tensor in own),
        )

    return PartsStored(
        embeddings=stored("embeddings"), layers=stored("layers"), head=stored("head"), unused=stored("unused")
    )


def _part_of(name: str, header: dict[str, Stored], family: Family) -> str:
    """Return the part of a tensor; the second name of a tied tensor counts only where the first is not there."""
    own = own_name(name, family)
    if own is None:
        return "unused"
    first = family.tied.get(own, own)
    if first != own and first in map(partial(own_name, family=family), header):
        return "unused"
    if family.layer_of(first) is not None:
        return "layers"
    if first.startswith(family.body):
        return "embeddings"
    return "head" if first.split(".")[0] in family.head_modules else "unused"


def _tokenizer(path: Path) -> TokenizerFile | None:
    """Return kind and size of a `tokenizer.json`, or None where there is none; tokens added later are counted once."""
    try:
        text = path.read_bytes()
        found = token_ids(text)
        return TokenizerFile(kind=found.kind, tokens=len(found.ids), bytes=len(text))
    except FileNotFoundError:
        return None
    except InputError as error:
        raise InputError(f"{path.parent}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error}); get the file again") from None


def _is_bundle(path: Path) -> bool:
    try:
        found = read_json((path / MANIFEST).read_bytes())
        return isinstance(found, dict) and BUNDLE_MARK in found
    except (OSError, ValueError, TypeError):
        return False
