"""Which language a tag means: every spelling of it resolves to one `Tag`, whose `bcp47` names its files and keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from edgeenc.errors import UsageError

if TYPE_CHECKING:
    from langcodes import Language

_OURS = {"fil": ("tl", "tgl", "Tagalog"), "sw": ("sw", "swh", "Swahili")}
"""Filipino and Tagalog have a code each and share their text, which most sources call tl or tgl_Latn; the text that is
called Swahili (swa, a group of languages) is that of its member swh."""

_NO_LANGUAGE = {"und", "mul", "zxx", "mis"}
"""Valid codes for an undetermined language, many, none, and one without a code."""

_FILES = (".yaml", ".yml")
_LEAST = 0.01
"""Rows of a batch are dealt out by hundredths at the finest."""

_SHIPPED = {"tagalog": "tl", "filipino": "tl", "maltese": "mt", "slovak": "sk", "swahili": "sw"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A language with its script and its name.

    Attributes:
        bcp47: the shortest tag, our key: `tl`, `sr-Latn`, `pt-PT`.
        iso639_3: three letters: `tgl`.
        script: four letters (ISO 15924): `Latn`.
        name: in English: `Tagalog`.
    """

    bcp47: str
    iso639_3: str
    script: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.bcp47}, {self.iso639_3}_{self.script})"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One of the languages that `--lang` names: its tag or file as typed, and its share of the text, 0 to 1."""

    language: str
    weight: float


def spoken(typed: str) -> tuple[Spoken, ...]:
    """Return the languages of `tl`, of a file, of `tl+en` or of `tl:0.8+en:0.2`; their weights add up to 1.

    Worked example: `tl+en` gives 0.5 each, `tl:3+en:1` gives 0.75 and 0.25.

    Raises:
        UsageError: a language or a weight cannot be read, or only some have one.
    """
    if "+" not in typed and (":" not in typed or typed.endswith(_FILES)):
        return (Spoken(typed, 1.0),)
    pairs = [_pair(part.strip(), typed) for part in typed.split("+")]
    weights = [weight for _, weight in pairs if weight is not None]
    if weights and len(weights) < len(pairs):
        bare = ", ".join(language for language, weight in pairs if weight is None)
        raise UsageError(f"--lang {typed!r}: no weight for {bare}; give every language a weight, or none")
    shares = [weight / sum(weights) for weight in weights] or [1 / len(pairs)] * len(pairs)
    for (language, _), share in zip(pairs, shares, strict=True):
        if share < _LEAST:
            raise UsageError(
                f"--lang {typed!r}: {language} would be {100 * share:.2g} % of the text; at least 1 % is expected"
            )
    return tuple(Spoken(language, share) for (language, _), share in zip(pairs, shares, strict=True))


def _pair(part: str, typed: str) -> tuple[str, float | None]:
    """Return language and weight of `tl:0.8`; a weight that is not given is None."""
    language, colon, number = part.rpartition(":")
    if not colon or part.endswith(_FILES):
        language, weight = part, None
    else:
        weight = _number(number)
        if not 0 < weight < math.inf:
            raise UsageError(f"--lang {typed!r}: the weight {number!r} is not a number above 0, as in tl:0.8+en:0.2")
    if not language:
        raise UsageError(f"--lang {typed!r}: a language is missing; write tl+en or tl:0.8+en:0.2")
    return language, weight


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def joined(tags: Sequence[Tag]) -> Tag:
    """Return what several languages are called together; of one it is that language itself.

    Worked example: Tagalog and English give ``Tag("tl+en", "tgl+eng", "Latn", "Tagalog + English")``.

    Raises:
        UsageError: one is there twice.
    """
    codes = [tag.bcp47 for tag in tags]
    twice = next((code for place, code in enumerate(codes) if code in codes[:place]), None)
    if twice is not None:
        raise UsageError(f"language {twice}: given twice; give each language once")
    scripts = "+".join(dict.fromkeys(tag.script for tag in tags))
    return Tag("+".join(codes), "+".join(tag.iso639_3 for tag in tags), scripts, " + ".join(tag.name for tag in tags))


def resolve(tag: str) -> Tag:
    """Return the language that a BCP-47 or ISO 639 tag means, in any case, with hyphens or underscores.

    Worked example: `tl`, `fil`, `tgl`, `tgl_Latn`, `TL` and `fil-PH` all give ``Tag("tl", "tgl", "Latn", "Tagalog")``.

    Raises:
        UsageError: no such language; what may have been meant is named.
    """
    found = _known(tag)
    if found is None:
        near = _near(tag.strip().lower()[:40])
        advice = (
            f"did you mean {' or '.join(near)}?" if near else "expected a BCP-47 or ISO 639 code, as tl, mt, sk or sw"
        )
        raise UsageError(f"language {tag[:40]!r}: no language has this code; {advice}")
    return found


def _known(tag: str) -> Tag | None:
    """Return the language of a tag, old and overlong codes replaced, or None where there is no such language."""
    from langcodes import Language, standardize_tag

    try:
        found = Language.get(standardize_tag(tag.strip(), macro=True))
        letters = found.to_alpha3()
    except (ValueError, LookupError):
        return None
    unknown = found.language_name().startswith("Unknown")
    if found.language is None or found.language in _NO_LANGUAGE or unknown or not found.is_valid():
        return None
    full = found.maximize()
    short = _shortest(full)
    code, iso639_3, name = _OURS.get(found.language, (found.language, letters, short.display_name()))
    rest = short.to_tag()[len(found.language) :]
    return Tag(f"{code}{rest}", iso639_3, full.script or "Zyyy", short.display_name() if rest else name)


def _shortest(full: Language) -> Language:
    """Return the shortest tag that means what `full` (language, script and region) means: script before region.

    Worked example: `sr-Latn-RS` gives `sr-Latn`, `tl-Latn-PH` gives `tl`, `pt-Latn-PT` gives `pt-PT`.
    """
    from langcodes import Language

    language, script, region = full.language, full.script, full.territory
    for parts in ({}, {"script": script}, {"territory": region}):
        short = Language.make(language=language, **parts)
        grown = short.maximize()
        if (grown.script, grown.territory) == (script, region):
            return short
    return Language.make(language=language, script=script, territory=region)


def _near(text: str) -> list[str]:
    """Return up to three tags that `text` may be meant for: a language's name, or a code with a letter too many."""
    from langcodes import find

    near = [_SHIPPED[name] for name in get_close_matches(text, _SHIPPED, n=1, cutoff=0.7)]
    for guess in (text, *(text[:place] + text[place + 1 :] for place in range(len(text)))):
        try:
            found = _known(find(guess).to_tag() if len(guess) > 3 else guess)
        except LookupError:
            continue
        near += [found.bcp47] if found else []
    return sorted(dict.fromkeys(near), key=lambda code: code not in _SHIPPED.values())[:3]
