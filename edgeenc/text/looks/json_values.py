"""JSON that is not an object a line: lists, objects on many lines; and objects as Python writes them."""

from __future__ import annotations

import json
import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import FEWEST, Look, most


def _said(head: Beginning) -> str:
    text = head.text.strip()
    if most(line.startswith(("{'", "['")) for line in head.lines):
        return "Python's way to write an object, expected text, or one JSON object a line: write it with json.dumps"
    if not re.match(r"\[\s*([\[{\"]|-?[\d.]+,)|\{\s*(\"|\})", text) or not _is_json(text, whole=head.whole):
        return ""
    return "JSON, expected text, or one JSON object a line; a list becomes that with: jq -c '.[]' FILE > NEW.jsonl"


def _is_json(text: str, *, whole: bool) -> bool:
    """Tell whether text is JSON; of its beginning, whether it breaks off only where the text does."""
    try:
        end = json.JSONDecoder().raw_decode(text)[1]
    except json.JSONDecodeError as error:
        return not whole and (error.pos > 0.9 * len(text) or "Unterminated" in error.msg)
    except (ValueError, RecursionError):
        return True
    return 2 * end > len(text) or all(line.startswith(text[0]) for line in text.split("\n")[:FEWEST])


LOOK = Look("json", _said)
