"""WordPiece: single characters stay, alone and continued, that the text holds or any text may hold.

So does a token of such characters one of which has no token of its own in its place: nothing else can spell it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from edgeenc.text.spelling import needed
from edgeenc.text.tokenizer_file import TokenTable, id_space, model_as, with_ids
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType

_MARKS = Marks(later="##")


def _must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], _: Counts) -> Flags:
    must_V = np.zeros(id_space(tokenizer), dtype=np.bool_)
    tokens = tokenizer.get_vocab()
    for token, number in tokens.items():
        bare = _MARKS.bare(token)
        must_V[number] = needed(bare, characters) or (
            not _spelt(token, tokens) and all(needed(character, characters) for character in bare)
        )
    return must_V


def _spelt(token: str, tokens: Mapping[str, int]) -> bool:
    """Tell whether every character of a token has a token of its own in its place."""
    bare = _MARKS.bare(token)
    first = bare[:1] if bare == token else f"{_MARKS.later}{bare[:1]}"
    return first in tokens and all(f"{_MARKS.later}{character}" in tokens for character in bare[1:])


def _cut(text: str, new: Mapping[int, int]) -> str:
    return with_ids(text, TokenTable(model_as(TokenTable, text).kept(new)), new)


def _made_up(pieces: Sequence[str], size: int) -> str:
    """Return a cased WordPiece tokenizer of `size` tokens as BERT has it: specials, the pieces, `[unused0]` and so on.

    A piece without the mark of a word's beginning gets the mark of going on; a single character gets both forms. Text
    is split at brackets first, so that no text can hold an unused token.
    """
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    forms = [form for piece in pieces for form in _forms(piece)]
    tokens = list(dict.fromkeys([*specials, *forms]))[:size]
    tokens += [f"[unused{number}]" for number in range(size - len(tokens))]
    numbers = {token: number for number, token in enumerate(tokens)}
    made = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100))
    bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    made.normalizer = normalizers.Sequence([normalizers.NFC(), bert])
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix=_MARKS.later)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.add_special_tokens(specials)
    return made.to_str() + "\n"


def _forms(piece: str) -> list[str]:
    """Return what a piece of Unigram is in WordPiece.

    Worked example: `▁aso` gives `aso`, `so` gives `##so`, `,` gives both `,` and `##,`, `▁` alone gives nothing.
    """
    bare = piece.removeprefix("\u2581")
    if len(bare) < 2:
        return [bare, f"{_MARKS.later}{bare}"] if bare else []
    return [bare] if bare != piece else [f"{_MARKS.later}{bare}"]


TYPE = TokenizerType("WordPiece", _MARKS, _must_stay, _cut, list_file="vocab.txt", made_up=_made_up)
