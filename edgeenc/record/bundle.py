"""What a bundle says of itself, beside its report: its files, its golden texts, its answers to test examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeenc.record.host import Host
from edgeenc.record.stamp import Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleManifest:
    """What was made when and where: the `manifest.json` of a bundle.

    Attributes:
        edgeenc_bundle: version of the layout of bundles.
        edgeenc: version that made it.
        language: tag, or those of several languages.
        teacher, corpus: where they come from.
        files: every other file by its path.
        seconds: of each step.
    """

    edgeenc_bundle: int
    edgeenc: str = ""
    language: str | tuple[str, ...] = ""
    teacher: str = ""
    corpus: str = ""
    files: Mapping[str, Stamp] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    host: Host | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A text, its ids, and the first values of the output at token 0: hidden state or logits; of a text its logits."""

    text: str
    ids: tuple[int, ...]
    output: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What the models of a bundle said of every test example.

    Attributes:
        items: gold labels of each example: one for a text, one a word for a tagged sentence.
        texts: sha256 of the examples' words; empty in bundles of the first version.
        models: by model and precision (`student int8`): for each seed the labels of each example.
    """

    task: str
    metric: str
    items: tuple[tuple[str, ...], ...]
    texts: str = ""
    models: Mapping[str, tuple[tuple[tuple[str, ...], ...], ...]]
