"""Read a tokenizer from its JSON, with every score to the last bit."""

from __future__ import annotations

from dataclasses import dataclass, field

from tokenizers import Tokenizer, models

from edgeenc.errors import InputError
from edgeenc.record.form import parse
from edgeenc.text.tokenizer_file import Named, Scores


@dataclass(frozen=True)
class _OfScores(Named):
    """A file with a Unigram model, which may be of tens of megabytes and is read once."""

    model: Scores = field(kw_only=True)


def parse_tokenizer(text: str) -> Tokenizer:
    """Return the tokenizer that the contents of a `tokenizer.json` describe.

    The library reads decimal numbers to within one unit of the last place, so the scores of a Unigram model would
    creep with every load and save; Python reads them exactly, and the model is given those. Worked example: loading
    and saving what was saved gives the same bytes.

    Raises:
        InputError: an added token has another id in the text than the library gives it, which counts them through.
        Exception: of no narrower type, by the library, where the text describes no tokenizer.
    """
    tokenizer = Tokenizer.from_str(text)
    if not isinstance(tokenizer.model, models.Unigram):
        _require_ids(parse(Named, text), tokenizer)
    else:
        found = parse(_OfScores, text)
        _require_ids(found, tokenizer)
        model = found.model
        tokenizer.model = models.Unigram(list(model.vocab), model.unk_id, bool(model.byte_fallback))
    return tokenizer


def _require_ids(found: Named, tokenizer: Tokenizer) -> None:
    """Refuse a file with added tokens that would silently be given other ids than it says."""
    said = {token.content: token.id for token in found.added_tokens}
    moved = [content for content, number in said.items() if tokenizer.token_to_id(content) != number]
    if moved:
        first = ", ".join(f"{name} is {said[name]:,}, read as {tokenizer.token_to_id(name)}" for name in moved[:3])
        raise InputError(
            f"{len(moved):,} added tokens have ids that tokenizers does not give them: {first}; give them the ids that"
            " follow the model's, without holes, and move their embedding rows with them"
        )
