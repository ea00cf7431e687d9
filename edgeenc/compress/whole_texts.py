"""Whole texts of a corpus as a model of sentence vectors reads them in use: unmasked, a prompt before each.

Axis letters: B rows, T tokens.
"""

from __future__ import annotations

import numpy as np
import torch
from tokenizers import Tokenizer

from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.text.batches import Masked
from edgeenc.text.corpus import Corpus
from edgeenc.text.lines import some
from edgeenc.text.sentence_order import read_texts
from edgeenc.text.whole import Ids

BATCH_TOKENS = 2048
LONGEST = 128
"""Tokens to which a text is cut."""


def usual_prompt(head: SentenceHead) -> str | None:
    """Return the name of the prompt that texts have where nothing is said: the default one, or else the first."""
    return head.default_prompt or next(iter(head.prompts), None)


def whole_texts(encoder: Encoder, corpus: Corpus, batches: int) -> list[Masked]:
    """Return training texts as batches of which nothing is masked, as `whole_rows` says."""
    nothing = torch.empty(0, dtype=torch.int64)
    rows = whole_rows(encoder.tokenizer, encoder.sentence, encoder.shape.longest, corpus, batches)
    return [Masked(torch.from_numpy(ids_BT), nothing, nothing) for ids_BT in rows]


def whole_rows(
    tokenizer: Tokenizer, head: SentenceHead | None, longest: int, corpus: Corpus, batches: int
) -> list[Ids]:
    """Return token ids (B, T) of training texts of about `batches` times 2,048 tokens.

    A batch has texts of one length, so that there is no padding to leave out of any sum. Which texts is a matter of a
    hash of each, of several languages by their weights.

    Args:
        tokenizer: of the model that reads them.
        head: whose usual prompt is put before each, where there is one.
        longest: tokens that the model reads at most.
        corpus: whose training part is read.
        batches: how much.
    """
    prompt = "" if head is None else head.prompts.get(usual_prompt(head) or "", "")
    cut, found = min(LONGEST, longest if head is None else head.reads(longest)), list[list[int]]()
    for part in corpus.each:
        wanted, lines = batches * BATCH_TOKENS * part.weight, some(part.corpus.train)
        texts = read_texts(lines, tokenizer, (prompt,), cut, wanted, len(lines))
        enough = int(np.searchsorted(texts.ends, wanted))
        found += [texts.row(number) for number in range(min(enough, len(texts.lines)))]
    made = list[Ids]()
    for length in sorted({len(row) for row in found}):
        same_NT, rows = np.array([row for row in found if len(row) == length]), max(1, BATCH_TOKENS // length)
        made += [same_NT[first : first + rows] for first in range(0, len(same_NT), rows)]
    return made
