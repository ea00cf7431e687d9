"""Read a tokenizer from its JSON, with every score to the last bit."""

from __future__ import annotations

from tokenizers import Tokenizer, models

from edgeenc.text.tokenizer_file import Scores, model_as


def parse_tokenizer(text: str) -> Tokenizer:
    """Return the tokenizer that the contents of a `tokenizer.json` describe.

    The library reads decimal numbers to within one unit of the last place, so the scores of a Unigram model would
    creep with every load and save; Python reads them exactly, and the model is given those. Worked example: loading
    and saving what was saved gives the same bytes.

    Raises:
        Exception: of no narrower type, by the library, where the text describes no tokenizer.
    """
    tokenizer = Tokenizer.from_str(text)
    if isinstance(tokenizer.model, models.Unigram):
        model = model_as(Scores, text)
        tokenizer.model = models.Unigram(list(model.vocab), model.unk_id, bool(model.byte_fallback))
    return tokenizer
