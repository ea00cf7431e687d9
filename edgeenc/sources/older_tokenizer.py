"""`tokenizer.json` made of the files of an older tokenizer, by transformers in a process of its own."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from edgeenc.errors import HostError, InputError
from edgeenc.sources.alone import run_alone
from edgeenc.text.token_ids import token_ids
from edgeenc.text.vocabulary_files import SENTENCEPIECE, WORDPIECE, vocabulary_files

_SETTINGS = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_SHOWN = 3


def make_tokenizer(folder: Path, out: Path) -> None:
    """Write the `tokenizer.json` that transformers makes of the older files of a folder to `out`.

    Raises:
        InputError: transformers cannot read them, has no fast tokenizer of their kind, or nothing says whether
            `vocab.txt` is for text in lower case.
        HostError: a package that reads them is missing.
    """
    names = vocabulary_files(folder)
    _require_packages(names)
    _require_case(folder, names)
    with tempfile.TemporaryDirectory(prefix=".older-", dir=out.parent) as aside:
        for name in (*_SETTINGS, *names):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, Path(aside) / name)
        _without_paths(folder, Path(aside) / "tokenizer_config.json")
        run_alone("fast_tokenizer.py", f"convert {folder}: {' and '.join(names)}", out, aside, str(out))
    try:
        token_ids(out.read_bytes())
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"convert {folder}: what transformers makes of {names[0]} is no tokenizer ({error})") from None


def _require_packages(names: tuple[str, ...]) -> None:
    if not set(names) & set(SENTENCEPIECE):
        return
    if lacking := [package for package, module in _PACKAGES if not _has(module)]:
        raise HostError(f"{names[0]} is read with the package {lacking[0]}; run `pip install {' '.join(lacking)}` once")


_PACKAGES = (("sentencepiece", "sentencepiece"), ("protobuf", "google.protobuf"))


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def _require_case(folder: Path, names: tuple[str, ...]) -> None:
    """Refuse a WordPiece list of which nobody says whether text is lowered first; the library would do it silently."""
    if names != (WORDPIECE,) or "do_lower_case" in _settings(folder, "tokenizer_config.json"):
        return
    tokens = (folder / WORDPIECE).read_text(encoding="utf-8", errors="replace").splitlines()
    if not any(token.startswith("##") for token in tokens):
        return
    capital = [token for token in tokens if token != token.lower() and token[:1] not in "[<"]
    seen = f"{len(capital):,} of its {len(tokens):,} tokens have capital letters"
    shown = f" ({', '.join(capital[:_SHOWN])})" if capital else ""
    likely = "false" if capital else "true"
    raise InputError(
        f"convert {folder}: tokenizer_config.json does not say do_lower_case, by which {WORDPIECE} is read;"
        f' {seen}{shown}, so {likely} is likely: write {{"do_lower_case": {likely}}} into that file'
    )


def _settings(folder: Path, name: str) -> dict[str, object]:
    """Return a JSON object of a folder; an empty one where there is no such file.

    Raises:
        InputError: it is damaged.
    """
    if not (folder / name).is_file():
        return {}
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"convert {folder}: {name} is damaged ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"convert {folder}: {name} is damaged (no JSON object)")
    return found


def _without_paths(folder: Path, path: Path) -> None:
    """Take out of the settings where files lay on the machine that wrote them; the library would look there."""
    found = _settings(folder, path.name)
    kept = {name: value for name, value in found.items() if not name.endswith("_file")}
    path.write_text(json.dumps(kept), encoding="utf-8")
