"""The child process that makes a `tokenizer.json` of older files; a program that imports nothing of edgeenc.

Called as `python -I fast_tokenizer.py FOLDER OUT`; the last line of standard error says why it gave up.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

_FORBIDDEN = ("socket.connect", "socket.bind", "os.system", "os.exec", "os.posix_spawn")
_XLMR = "sentencepiece.bpe.model"


def _stay_alone(event: str, _: tuple[object, ...]) -> None:
    """Refuse network and other programs."""
    if event in _FORBIDDEN:
        raise PermissionError(event)


def main(folder: str, out: str) -> None:
    """Write `tokenizer.json` as the library's fast tokenizer has it; code of the folder is never run."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            fast = _read(Path(folder))
        except Exception as error:
            lines = str(error).strip().splitlines() or [repr(error)]
            sys.exit(f"transformers cannot read its tokenizer ({lines[0][:300]})")
    if not fast.is_fast:
        sys.exit(f"transformers has no fast tokenizer for {type(fast).__name__}")
    tokenizer = fast.backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    spec = json.loads(tokenizer.to_str())
    if any("byte fallback" in str(each.message) for each in said):
        _fall_back(spec["model"])
    Path(out).write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")


def _read(folder: Path) -> Any:  # noqa: ANN401 - the library has no narrower type for both kinds
    """Return the library's tokenizer; where no class is named, `sentencepiece.bpe.model` is one of XLM-R."""
    from transformers import AutoTokenizer, XLMRobertaTokenizerFast

    named = any(
        json.loads((folder / name).read_text(encoding="utf-8")).get("tokenizer_class")
        for name in ("config.json", "tokenizer_config.json")
        if (folder / name).is_file()
    )
    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, TypeError, ValueError):
        if named or not (folder / _XLMR).is_file():
            raise
        return XLMRobertaTokenizerFast.from_pretrained(str(folder), local_files_only=True)


def _fall_back(model: dict[str, Any]) -> None:
    """Let a Unigram model spell what it does not know in bytes, as SentencePiece does; the library leaves that out."""
    tokens = {row[0] for row in model["vocab"]} if model["type"] == "Unigram" else set[str]()
    if all(f"<0x{byte:02X}>" in tokens for byte in range(256)):
        model["byte_fallback"] = True


if __name__ == "__main__":
    sys.addaudithook(_stay_alone)
    main(*sys.argv[1:])
