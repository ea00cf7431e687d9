"""Tiny real encoders of every family that is known, each with a tokenizer of its type trained on the text."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import AutoConfig, AutoModelForMaskedLM

from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.text.specials import Specials

LAYERS = 3


def tiny(family: str, text: tuple[str, ...]) -> Encoder:
    """Return a random encoder of 3 layers, hidden 32, 4 heads, FFN 48 that reads texts of 64 tokens."""
    tokenizer = TOKENIZERS[family](text)
    unused = 2 if "roberta" in family else 0
    every = 2 if family == "modernbert" else 1
    shape = Shape(LAYERS, 32, 4, 8, 48, tokenizer.get_vocab_size(), 64 + unused, TYPES.get(family, 0), family, every)
    return random_encoder(replace(shape, **MORE_SIZES.get(family, {})), tokenizer)


def random_encoder(shape: Shape, tokenizer: Tokenizer, seed: int = 1) -> Encoder:
    """Return an encoder with random weights everywhere: biases and norms too, so that none equals another."""
    special = Specials.of(tokenizer)
    ids = {"pad_token_id": special.pad, "cls_token_id": special.cls, "sep_token_id": special.sep}
    ids |= {"bos_token_id": special.cls, "eos_token_id": special.sep}
    more = QUIRKS.get(shape.family, {})
    config = AutoConfig.for_model(shape.family, **shape.config_fields, **ids, **more, initializer_range=0.2)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = AutoModelForMaskedLM.from_config(config)
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return Encoder(model.eval(), tokenizer, shape.table)


def hooks(model: nn.Module) -> list[object]:
    """Return the hooks on any module but those that transformers 5 leaves on whatever was asked for hidden states."""
    found = [
        hook for m in model.modules() for kind in (m._forward_hooks, m._forward_pre_hooks) for hook in kind.values()
    ]
    return [hook for hook in found if not getattr(hook, "__module__", "").startswith("transformers.")]


def word_piece(text: tuple[str, ...]) -> Tokenizer:
    """Return a cased WordPiece tokenizer of 120 tokens: characters, then the most frequent words and their ends.

    Not by the library's trainer: it breaks ties by chance, and every run would test another vocabulary.
    """
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    split = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for line in text for word, _ in split.pre_tokenize_str(line))
    alphabet = sorted({word[0] for word in words} | {f"##{letter}" for word in words for letter in word[1:]})
    ends = Counter(f"##{word[-2:]}" for word in words if len(word) > 3)
    longer = {token: count for token, count in (words + ends).items() if token not in alphabet}
    ranked = sorted(longer, key=lambda token: (-longer[token], token))
    tokens = {token: number for number, token in enumerate([*specials, *alphabet, *ranked][:120])}
    tokenizer = Tokenizer(models.WordPiece(tokens, unk_token="[UNK]", max_input_chars_per_word=100))
    bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), bert])
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens(specials)
    return _framed(tokenizer, "[CLS]", "[SEP]")


def unigram(text: tuple[str, ...], size: int = 130) -> Tokenizer:
    """Return a Unigram tokenizer as XLM-R has it: `<s> <pad> </s> <unk>` first, `<mask>` last."""
    first = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    words = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(words)
    trainer = trainers.UnigramTrainer(
        vocab_size=size - 1, special_tokens=first, unk_token="<unk>", show_progress=False, shrinking_factor=0.8
    )
    tokenizer.train_from_iterator(text, trainer)
    rows = [(token, score) for token, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    tokenizer.model = models.Unigram([*rows, ("<mask>", 0.0)], unk_id=3)
    tokenizer.add_special_tokens([*first, "<mask>"])
    tokenizer.decoder = decoders.Metaspace()
    return _framed(tokenizer, "<s>", "</s>")


def unigram_without_mask(text: tuple[str, ...], size: int = 130) -> Tokenizer:
    """Return a Unigram tokenizer as mDeBERTa has it, `[PAD] [CLS] [SEP] [UNK]` first; its mask is added behind."""
    first = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    rows = json.loads(unigram(text, size).to_str())["model"]["vocab"][4:-1]
    tokenizer = Tokenizer(models.Unigram([*((token, 0.0) for token in first), *map(tuple, rows)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(first)
    return _framed(tokenizer, "[CLS]", "[SEP]")


def byte_pairs_of_gemma(text: tuple[str, ...], size: int = 420) -> Tokenizer:
    """Return a BPE tokenizer as Gemma and mmBERT have it: characters with bytes to fall back on, spaces as `▁`."""
    first = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    spaces = normalizers.Replace(" ", "\u2581")
    trained = Tokenizer(models.BPE())
    trained.normalizer = spaces
    trained.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    trained.train_from_iterator(text, trainers.BpeTrainer(vocab_size=size - 261, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    learnt = sorted(model["vocab"], key=model["vocab"].__getitem__)
    vocab = {token: number for number, token in enumerate([*first, *fallback, *learnt])}
    merges = [tuple(merge) for merge in model["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = spaces
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    replace = decoders.Replace("\u2581", " ")
    tokenizer.decoder = decoders.Sequence([replace, decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(first)
    return _framed(tokenizer, "<bos>", "<eos>")


def byte_pairs(text: tuple[str, ...], size: int = 360) -> Tokenizer:
    """Return a byte-level BPE tokenizer as ModernBERT has it: special tokens behind the merges, padding among them."""
    tokenizer = _byte_level(text, size - 5, [])
    tokenizer.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    return _framed(tokenizer, "[CLS]", "[SEP]")


def byte_pairs_of_roberta(text: tuple[str, ...], size: int = 360) -> Tokenizer:
    """Return a byte-level BPE tokenizer as RoBERTa has it: `<s> <pad> </s> <unk>` first, `<mask>` last."""
    tokenizer = _byte_level(text, size - 1, ["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.add_special_tokens(["<mask>"])
    return _framed(tokenizer, "<s>", "</s>")


def _byte_level(text: tuple[str, ...], size: int, first: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=first, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(text, trainer)
    return tokenizer


def _framed(tokenizer: Tokenizer, cls: str, sep: str) -> Tokenizer:
    ends = [(token, tokenizer.token_to_id(token)) for token in (cls, sep)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}", pair=f"{cls} $A {sep} $B:1 {sep}:1", special_tokens=ends
    )
    return tokenizer


def unigram_of_deberta(text: tuple[str, ...], size: int = 130) -> Tokenizer:
    """Return a Unigram tokenizer as mDeBERTa has it: the names of BERT, `[PAD] [CLS] [SEP] [UNK]` first."""
    names = {"<pad>": "[PAD]", "<s>": "[CLS]", "</s>": "[SEP]", "<unk>": "[UNK]", "<mask>": "[MASK]"}
    fields = json.loads(unigram(text, size).to_str())
    rows = [(names.get(token, token), score) for token, score in fields["model"]["vocab"]]
    rows[:2] = [("[PAD]", 0.0), ("[CLS]", 0.0)]
    tokenizer = Tokenizer(models.Unigram(rows, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    return _framed(tokenizer, "[CLS]", "[SEP]")


TYPES = {"bert": 2, "xlm-roberta": 1, "roberta": 1, "electra": 2}
"""Rows of the table of token types; the others have none."""

MORE_SIZES: dict[str, dict[str, Any]] = {
    "electra": {"embedding": 40, "parts": ("factorised",)},
    "deberta-v2": {"relative": 16, "parts": ("distance-norm",)},
}
"""What shapes of some families have beside the usual sizes."""

QUIRKS: dict[str, dict[str, Any]] = {
    "modernbert": {"local_attention": 8},
    "deberta-v2": {
        "relative_attention": True,
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": "p2c|c2p",
        "max_relative_positions": -1,
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
}
"""What configurations of some families say beside sizes; that of `deberta-v2` is mDeBERTa's."""

TOKENIZERS = {
    "bert": word_piece,
    "xlm-roberta": unigram,
    "roberta": byte_pairs_of_roberta,
    "distilbert": word_piece,
    "modernbert": byte_pairs,
    "deberta-v2": unigram_of_deberta,
    "electra": word_piece,
}
