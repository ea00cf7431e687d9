"""Text: corpora, token batches, and the tokenizer's vocabulary."""
