"""The folder a user ships: one model in every form an app may load, its report, and golden outputs to check it by.

transformers, optimum and transformers.js load it unchanged; so do numpy, tokenizers and onnxruntime alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from edgeenc.errors import GateError, InputError
from edgeenc.machine.disk import files_of, seal
from edgeenc.model.config import load_shape
from edgeenc.model.purpose import Purpose, default_purpose
from edgeenc.model.sentence_head import SentenceHead, cut_tokenizer, read_sentence_head, write_sentence_head
from edgeenc.record.bundle import BundleManifest, Golden
from edgeenc.record.facts import Facts
from edgeenc.record.form import parse, plain
from edgeenc.record.stamp import Stamp
from edgeenc.report import write_report
from edgeenc.report.card import Shipped, model_card
from edgeenc.store import MANIFEST
from edgeenc.targets.sessions.session import Session
from edgeenc.targets.target import Target, default_target, target_of

VERSION = 1
CHECKPOINT = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
WEIGHTS = ("edgeenc.safetensors", "model.safetensors")
"""The file beside them is one of these; the first holds layers that no class of transformers has."""
WORD_PIECES = "vocab.txt"
"""Only a WordPiece tokenizer has its tokens in such a list too."""
GOLDEN = "golden.jsonl"
FEWEST_GOLDEN = 20
MOST_GOLDEN = 24
GOLDEN_VALUES = 8
GOLDEN_DIGITS = 6


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle.

    Attributes:
        checkpoint: folder of the student; only the files of `CHECKPOINT`, weights and list of tokens are taken.
        files: exported file by precision of the target.
        lines: of the test split; golden texts are picked from it.
        recipe: the resolved recipe, YAML.
        facts: what the report says.
        target: in which form the model is shipped.
        purpose: what the exported files compute.
        predictions: what each model said of the task's test examples, for comparing bundles by example; or None.
        searches: where each search by a vector found what it sought, for comparing bundles by search; or None.
    """

    checkpoint: Path
    files: Mapping[str, Path]
    lines: Sequence[str]
    recipe: str
    facts: Facts
    target: Target = field(default_factory=default_target)
    purpose: Purpose = field(default_factory=default_purpose)
    predictions: Path | None = None
    searches: Path | None = None


def assemble(contents: Contents, folder: Path) -> None:
    """Fill the new `folder` with a whole bundle, its manifest last.

    Everything but report, model card and manifest follows from model, text and recipe alone: no time, no path.

    Raises:
        InputError: a file of the checkpoint is missing, there is no exported file, or there are too few texts.
    """
    weights = next((name for name in WEIGHTS if (contents.checkpoint / name).is_file()), WEIGHTS[-1])
    missing = [name for name in (weights, *CHECKPOINT) if not (contents.checkpoint / name).is_file()]
    if missing:
        raise InputError(
            f"bundle: {contents.checkpoint} has no {', '.join(missing)}; a checkpoint of edgeenc is expected"
        )
    known = contents.target.names
    if not contents.files or set(contents.files) - set(known):
        raise InputError(f"bundle: exported as {', '.join(contents.files) or 'nothing'}; expected {' or '.join(known)}")
    folder.mkdir(parents=True)
    for name in (weights, *CHECKPOINT, *([WORD_PIECES] if (contents.checkpoint / WORD_PIECES).is_file() else [])):
        shutil.copyfile(contents.checkpoint / name, folder / name)
    if contents.purpose.pooled_from:
        _write_pooling(contents.checkpoint, folder)
    for name, path in contents.files.items():
        place = folder / contents.target.precision(name).path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    golden = golden_rows(_shipped(folder, contents.target), load_golden_tokenizer(folder), contents.lines)
    (folder / GOLDEN).write_text(
        "".join(json.dumps(plain(row), ensure_ascii=False) + "\n" for row in golden), encoding="utf-8"
    )
    (folder / "recipe.yaml").write_text(contents.recipe, encoding="utf-8")
    write_report(contents.facts, folder / "report")
    for path, name in ((contents.predictions, "predictions.json"), (contents.searches, "searches.json")):
        if path is not None:
            shutil.copyfile(path, folder / "report" / name)
    smallest, _ = contents.target.smallest_in(folder)
    pool = read_sentence_head(folder) if contents.purpose.pooled_from else None
    prompts = tuple(pool.prompts) if pool else ()
    shipped = Shipped(contents.target, smallest, contents.purpose, longest_read(folder), weights, prompts)
    card = model_card(contents.facts, shipped)
    (folder / "README.md").write_text(card, encoding="utf-8")
    _write_manifest(folder, contents.facts)


def _write_pooling(checkpoint: Path, folder: Path) -> None:
    """Write the files from which sentence-transformers makes the vectors that the exported files give."""
    head = read_sentence_head(checkpoint) or SentenceHead()
    write_sentence_head(head, folder, load_shape(folder).hidden, longest_read(folder))
    cut_tokenizer(folder, head.reads(longest_read(folder)))


def golden_rows(session: Session, tokenizer: Tokenizer, lines: Sequence[str]) -> tuple[Golden, ...]:
    """Return texts from the shortest to the longest with the values the file gives on this host.

    Raises:
        InputError: fewer than 20 distinct texts.
    """
    texts = sorted({line for line in lines if line.strip()}, key=lambda line: (len(line), line))
    if len(texts) < FEWEST_GOLDEN:
        raise InputError(
            f"bundle: {len(texts)} distinct texts in the test split, at least {FEWEST_GOLDEN} are needed for {GOLDEN};"
            " put each sentence of the corpus on a line of its own"
        )
    count = min(MOST_GOLDEN, len(texts))
    picked = [texts[round(place)] for place in np.linspace(0, len(texts) - 1, count)]
    return tuple(_golden(session, tokenizer, text) for text in picked)


def replay(folder: Path) -> float:
    """Run the golden texts of a bundle again and return the largest difference of any value from the stored one.

    On the host that built it this is 0; processors with other int8 instructions differ a little.

    Raises:
        InputError: the bundle has no golden file or no exported one.
        GateError: the tokenizer makes other tokens of a text.
    """
    session, tokenizer = _shipped(folder, target_of(folder)), load_golden_tokenizer(folder)
    worst = 0.0
    for row in read_golden(folder):
        now = _golden(session, tokenizer, row.text)
        if now.ids != row.ids:
            raise GateError(f"golden texts: other tokens than stored in {folder / GOLDEN} for {row.text!r}")
        worst = max(worst, float(np.abs(np.subtract(now.output, row.output)).max()))
    return worst


def read_golden(folder: Path) -> tuple[Golden, ...]:
    """Return the golden texts of a bundle.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return tuple(parse(Golden, line) for line in (folder / GOLDEN).read_text("utf-8").splitlines())
    except (OSError, ValueError) as error:
        raise InputError(f"bundle {folder}: {GOLDEN} cannot be read ({error}); build it again") from None


def check(folder: Path) -> Mapping[str, Stamp]:
    """Hash every file of a bundle again and return what its manifest says of each.

    Raises:
        InputError: it is no bundle, or files are missing or changed; every one is named.
    """
    try:
        manifest = parse(BundleManifest, (folder / MANIFEST).read_text("utf-8"))
        if manifest.edgeenc_bundle == VERSION and not manifest.files:
            raise ValueError("files: none is listed")
    except (OSError, ValueError) as error:
        raise InputError(
            f"bundle {folder}: {MANIFEST} cannot be read ({error}); a folder made by edgeenc is expected"
        ) from None
    if manifest.edgeenc_bundle != VERSION:
        raise InputError(
            f"bundle {folder}: version {manifest.edgeenc_bundle} is not known; expected {VERSION}; update edgeenc"
        )
    files = manifest.files
    problems = [problem for name, stamp in files.items() if (problem := _problem(folder / name, name, stamp))]
    if problems:
        raise InputError(f"bundle {folder}: {'; '.join(problems)}; build it again or copy it again")
    return files


def load_golden_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer of a bundle, which truncates texts to the length that its model reads."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest_read(folder))
    return tokenizer


def longest_read(folder: Path) -> int:
    """Return to how many tokens texts are truncated, as the bundle's tokenizer says."""
    return int(json.loads((folder / "tokenizer_config.json").read_text("utf-8"))["model_max_length"])


def _shipped(folder: Path, target: Target) -> Session:
    """Return the session of the smallest file of a bundle."""
    precision, path = target.smallest_in(folder)
    return precision.open(path, 1, None)


def _golden(session: Session, tokenizer: Tokenizer, text: str) -> Golden:
    ids = tokenizer.encode(text).ids
    ids_BT = np.asarray([ids], dtype=np.int64)
    first = np.atleast_2d(session(ids_BT, np.ones_like(ids_BT))[0])[0]  # of a text's logits there is one row
    values = first[:GOLDEN_VALUES].astype(np.float64)
    output = tuple(round(float(value), GOLDEN_DIGITS) + 0.0 for value in values)
    return Golden(text=text, ids=tuple(ids), output=output)


def _write_manifest(folder: Path, facts: Facts) -> None:
    """Write `manifest.json`: what was made when and where, and the hash of every other file."""
    stamps = {name: seal(folder / name) for name in files_of(folder)}
    manifest = BundleManifest(
        edgeenc_bundle=VERSION,
        edgeenc=facts.edgeenc,
        language=tuple(one.tag for one in facts.languages) or facts.language.tag,
        teacher=facts.teacher.source,
        corpus=facts.corpus,
        files=stamps,
        versions=facts.versions,
        seconds={step.name: step.seconds for step in facts.steps},
        host=facts.host,
    )
    text = json.dumps(plain(manifest), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _problem(path: Path, name: str, stamp: Stamp) -> str | None:
    if not path.is_file():
        return f"{name} is missing"
    if path.stat().st_size != stamp.bytes:
        return f"{name} has {path.stat().st_size:,} bytes, not {stamp.bytes:,}"
    with path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == stamp.sha256
    return None if same else f"{name} has another sha256"
