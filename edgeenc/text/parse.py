"""Read a tokenizer from its JSON, with every score to the last bit."""

from __future__ import annotations

import json

from tokenizers import Tokenizer, models


def parse_tokenizer(text: str) -> Tokenizer:
    """Return the tokenizer that the contents of a `tokenizer.json` describe.

    The library reads decimal numbers to within one unit of the last place, so the scores of a Unigram model would
    creep with every load and save; Python reads them exactly, and the model is given those. Worked example: loading
    and saving what was saved gives the same bytes.

    Raises:
        Exception: of no narrower type, by the library, where the text describes no tokenizer.
    """
    tokenizer = Tokenizer.from_str(text)
    model = json.loads(text)["model"]
    if isinstance(tokenizer.model, models.Unigram):
        rows = [(piece, float(score)) for piece, score in model["vocab"]]
        tokenizer.model = models.Unigram(rows, model["unk_id"], bool(model.get("byte_fallback")))
    return tokenizer
