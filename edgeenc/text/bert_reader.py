"""What the first readers of BERT make of a list of tokens, and whether they make of it what `tokenizer.json` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tokenizers import Tokenizer

from edgeenc.record.form import Json
from edgeenc.text.specials import CONVENTIONS, Specials
from edgeenc.text.tokenizer_file import given_ids


@dataclass(frozen=True, slots=True)
class BertReading:
    """The settings of such a reader, named as `tokenizer_config.json` has them."""

    do_lower_case: bool
    strip_accents: bool
    tokenize_chinese_chars: bool


def bert_reading(tokenizer: Tokenizer) -> BertReading | None:
    """Return the settings with which a reader of the list gives the same ids, or nothing where there are none.

    Such a reader composes the text (NFC), splits it as BERT does, and knows no added tokens but the five special ones.
    """
    whole = json.loads(tokenizer.to_str())
    steps = _steps(whole["normalizer"])
    bert = steps[-1] if steps else {}
    if bert.get("type") != "BertNormalizer" or any(step.get("type") != "NFC" for step in steps[:-1]):
        return None
    lower = bool(bert["lowercase"])
    strips = lower if bert["strip_accents"] is None else bool(bert["strip_accents"])
    composes = strips or len(steps) > 1
    if not (composes and bert["clean_text"] and _frames_as_bert(tokenizer, whole)):
        return None
    return BertReading(lower, strips, bool(bert["handle_chinese_chars"]))


def _steps(normaliser: Mapping[str, Json] | None) -> list[Mapping[str, Json]]:
    """Return what a normaliser does, in its order, with sequences laid open."""
    if normaliser is None:
        return []
    inner = normaliser.get("normalizers")
    if not isinstance(inner, list):
        return [normaliser]
    return [step for one in inner if isinstance(one, dict) for step in _steps(one)]


def _frames_as_bert(tokenizer: Tokenizer, whole: Mapping[str, Json]) -> bool:
    """Tell whether all but the normaliser is as those readers have it."""
    model, split = whole["model"], whole["pre_tokenizer"]
    assert isinstance(model, dict)
    special = Specials.of(tokenizer)
    ids, added = given_ids(tokenizer), set(tokenizer.get_added_tokens_decoder())
    return (
        isinstance(split, dict)
        and split.get("type") == "BertPreTokenizer"
        and (model.get("continuing_subword_prefix"), model.get("max_input_chars_per_word")) == ("##", 100)
        and special.names == CONVENTIONS[0]
        and added <= set(special.ids)
        and ids == tuple(range(len(ids)))
        and tokenizer.encode("").ids == [special.cls, special.sep]
        and not any(set(token) & set("\r\n") for token in tokenizer.get_vocab())
    )
