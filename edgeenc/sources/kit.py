"""What the package carries: the starter kit and the recipes."""

from __future__ import annotations

from pathlib import Path

from edgeenc.errors import HostError, InputError

STARTER = "starter"

_PACKAGE = Path(__file__).resolve().parent.parent


def starter_corpus(language: str) -> tuple[Path, Path]:
    """Return the training text and the held-out text of the kit for a language (`tl`, `mt`, `sk`, `sw`).

    Raises:
        InputError: the kit has no text of this language.
        HostError: the package lacks its kit.
    """
    folder = data_folder("starter") / "text"
    pair = folder / f"{language}.train.txt.xz", folder / f"{language}.heldout.txt.xz"
    if all(path.is_file() for path in pair):
        return pair
    known = ", ".join(sorted(path.name.removesuffix(".train.txt.xz") for path in folder.glob("*.train.txt.xz")))
    raise InputError(
        f"corpus of {language}: the starter kit has text of {known or 'no language'} only; give your own with"
        " --corpus FILE (UTF-8, one sentence or paragraph per line)"
    )


def data_folder(name: str) -> Path:
    """Return a folder that ships with the package, `starter` or `recipes`; a checkout has `recipes` beside it.

    Raises:
        HostError: it is not there.
    """
    for place in (_PACKAGE / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise HostError(f"{_PACKAGE / name}: missing from the installation of edgeenc; install it again")
