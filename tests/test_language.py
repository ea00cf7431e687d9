from __future__ import annotations

import subprocess
import sys

import pytest

from edgeenc.errors import UsageError
from edgeenc.language import Tag, resolve

TAGALOG = Tag("tl", "tgl", "Latn", "Tagalog")


@pytest.mark.parametrize(
    "tag", ["tl", "fil", "tgl", "tgl_Latn", "tl-Latn", "TL", "Fil", "TGL_LATN", "fil-PH", "tl_Latn_PH", " tl "]
)
def test_every_spelling_of_tagalog_is_one_language(tag: str) -> None:
    assert resolve(tag) == TAGALOG


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("sw", "swa", "swh", "swh_Latn", "sw-TZ"), Tag("sw", "swh", "Latn", "Swahili")),
        (("mt", "mlt", "mlt_Latn", "mt-MT"), Tag("mt", "mlt", "Latn", "Maltese")),
        (("sk", "slk", "slo", "slk_Latn", "sk-SK"), Tag("sk", "slk", "Latn", "Slovak")),
        (("ceb", "ceb_Latn"), Tag("ceb", "ceb", "Latn", "Cebuano")),
        (("he", "iw", "heb_Hebr"), Tag("he", "heb", "Hebr", "Hebrew")),
        (("sr", "srp_Cyrl", "sr-Cyrl-RS"), Tag("sr", "srp", "Cyrl", "Serbian")),
        (("sr-Latn", "srp_Latn"), Tag("sr-Latn", "srp", "Latn", "Serbian (Latin)")),
        (("pt", "pt-BR", "por_Latn"), Tag("pt", "por", "Latn", "Portuguese")),
        (("pt-PT", "por_Latn_PT"), Tag("pt-PT", "por", "Latn", "Portuguese (Portugal)")),
        (("zh-TW", "zho_Hant", "cmn-Hant"), Tag("zh-Hant", "zho", "Hant", "Chinese (Traditional)")),
        (("tl-Tglg", "fil_Tglg"), Tag("tl-Tglg", "tgl", "Tglg", "Filipino (Tagalog)")),
    ],
)
def test_codes_scripts_and_regions(tags: tuple[str, ...], expected: Tag) -> None:
    assert {resolve(tag) for tag in tags} == {expected}
    assert resolve(expected.bcp47) == expected, "the key must lead back to its language"


def test_a_language_prints_as_its_name_and_codes() -> None:
    assert str(resolve("fil")) == "Tagalog (tl, tgl_Latn)"


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("tagalog", "tl"),
        ("Filipino", "tl"),
        ("slovack", "sk"),
        ("swahilli", "sw"),
        ("cebuano", "ceb"),
        ("slk1", "sk"),
        ("tgll", "tl"),
    ],
)
def test_a_name_or_a_slip_is_answered_with_the_code(tag: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"language '{tag}': .*did you mean {meant}\b") as caught:
        resolve(tag)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "tag", ["", " ", "xx", "qqq", "und", "mul", "zxx", "t l", "x-foo", "tl-Xxxx", "123", "!!", "../../etc", "t" * 999]
)
def test_what_is_no_language_is_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="no language has this code") as caught:
        resolve(tag)
    assert len(str(caught.value)) < 200


def test_the_module_is_imported_fast() -> None:
    code = "import sys, edgeenc.language; print([m for m in ('torch', 'numpy', 'langcodes') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
