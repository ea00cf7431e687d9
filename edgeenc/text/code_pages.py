"""Which code page of one byte a character a text has: the one in which it is spelt with letters of a language."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

_LEAST = 0.9
"""Share of what is not ASCII that must be letters of the language, in the right place, for the page to be named."""


@dataclass(frozen=True, slots=True)
class _Script:
    """Languages whose texts come in the same code pages.

    Attributes:
        pages: as Python calls them, the commonest first.
        alphabets: for each language its small letters that are not ASCII.
    """

    pages: tuple[str, ...]
    alphabets: tuple[str, ...]

    @property
    def latin(self) -> bool:
        """Whether ASCII letters stand in the same words."""
        return unicodedata.name(self.alphabets[0][0]).startswith("LATIN")


_SCRIPTS = (
    _Script(
        ("cp1252", "mac_roman", "cp850"),
        ("àâæçéèêëîïôœùûüÿ", "äöüßé", "áéíñóúü", "áâãàçéêíóôõú", "àèéìíòóùç", "åäöé", "æøåéòóô", "áðéíóúýþæö",
         "éèëïöüáó", "àçéèíïóòúü", "ñáàâéèêíìîóòôúùûëïöü", "âêîôûŵŷäëïö"),
    ),
    _Script(
        ("cp1250", "iso8859_2", "cp852"),
        ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß"),
    ),
    _Script(("cp1254",), ("çğıöşüâîû", "äöüß")),
    _Script(("cp1257",), ("ąčęėįšųūž", "āčēģīķļņšūž", "äöõüšž")),
    _Script(("cp1258",), ("àáâăèéêìíòóôơùúưýđ\u0300\u0301\u0303\u0309\u0323",)),
    _Script(("cp1255", "iso8859_8"), ("אבגדהוזחטיךכלםמןנסעףפץצקרשת" + "".join(map(chr, range(0x5B0, 0x5C3))),)),
    _Script(
        ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic"),
        ("абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
         "абвгдђежзијклљмнњопрстћуфхцчџш", "абвгдѓежзѕијклљмнњопрстќуфхцчџш"),
    ),
    _Script(("cp1253", "iso8859_7"), ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",)),
    _Script(("cp1256", "iso8859_6"), ("".join(map(chr, range(0x621, 0x653))) + "پچژگکیۀے",)),
    _Script(("cp874",), ("".join(map(chr, range(0xE01, 0xE5C))),)),
)  # fmt: skip
_MARKS = frozenset("«»„“”‘’‚‹›–—…§°·•№¿¡ºª©®€£½¼¾²³×\xa0\xad")
"""What stands beside letters in any language: right in every page, and proof of none."""
ICONV = {
    "mac_roman": "MACINTOSH", "mac_cyrillic": "MAC-CYRILLIC", "koi8_r": "KOI8-R", "koi8_u": "KOI8-U",
    **{f"cp{n}": f"CP{n}" for n in (850, 852, 866)},
    **{f"iso8859_{n}": f"ISO-8859-{n}" for n in (2, 5, 6, 7, 8)},
    **{f"cp{n}": f"WINDOWS-{n}" for n in (874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)},
}  # fmt: skip
"""The pages as `iconv` calls them."""


def page_of(raw: bytes) -> str:
    r"""Return Python's name of the page in which most of what is not ASCII is letters of one language, or nothing.

    Worked example: ``b"\xf5\xfb\xf6"`` is `õûö` in cp1252, letters of no language together, and Hungarian in cp1250.
    """
    best, found = _LEAST, ""
    for script in _SCRIPTS:
        for page in script.pages:
            counts = _counted(raw.decode(page, "replace"), latin=script.latin)
            fit = max(_fit(counts, letters) for letters in script.alphabets)
            if fit > best + 1e-9:
                best, found = fit, page
    return found


def _counted(text: str, *, latin: bool) -> Counter[str]:
    """Count what is not ASCII.

    What no text has counts as no letter: a capital behind a small letter, two scripts in a word, a mark on nothing.
    """
    found = Counter[str]()
    for before, char in zip("\n" + text, text, strict=False):
        if char >= "\x80":
            mixed = not latin and before.isascii() and before.isalpha()
            loose = before.isspace() and unicodedata.combining(char)
            found["" if mixed or loose or (char.isupper() and before.islower()) else char] += 1
    return found


def _fit(found: Counter[str], letters: str) -> float:
    """Return the share of what is not ASCII that an alphabet has, 0 to 1; a language of few letters must use them."""
    known = frozenset(letters + letters.upper())
    proof = sum(number for char, number in found.items() if char in known)
    marks = sum(number for char, number in found.items() if char in _MARKS and char not in known)
    strange = found.total() - proof - marks
    return proof / (proof + 2 * strange + 0.1 * marks) if proof else 0.0
