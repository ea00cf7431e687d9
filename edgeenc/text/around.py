"""What lies around the tokens of a `tokenizer.json`, read by the library without the tokens, which take it seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tokenizers import Tokenizer, models

from edgeenc.errors import InputError


def frame_of(rest: Mapping[str, object]) -> tuple[int, ...]:
    """Return the ids that a tokenizer puts around a text: those of an empty one.

    Args:
        rest: all of a `tokenizer.json` but its tokens, see `TokenIds.rest`.

    Raises:
        InputError: the library cannot read a part: normaliser, pre-tokenizer, post-processor, decoder or settings.
    """
    try:
        parts = Tokenizer.from_str(json.dumps(rest))
        parts.no_padding()
        parts.no_truncation()
        return tuple(parts.post_process(Tokenizer(models.WordLevel({}, unk_token="")).encode("")).ids)
    except Exception as error:  # the library raises bare Exception
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(" at line ")[0][:200]
        raise InputError(f"tokenizer.json is damaged ({reason})") from None
