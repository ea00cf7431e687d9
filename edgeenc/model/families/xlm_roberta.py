"""XLM-R: RoBERTa on a hundred languages, in classes of its own, with a Unigram tokenizer."""

from __future__ import annotations

from dataclasses import replace

from edgeenc.model.families import roberta

FAMILY = replace(
    roberta.FAMILY,
    name="xlm-roberta",
    class_name="XLMRobertaForMaskedLM",
    tokenizer="Unigram",
)
