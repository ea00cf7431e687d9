"""Train the starter kit's tokenizer: cased WordPiece, NFC inside, every character seen 5 times kept in both forms.

    python benchmarks/starter/make_tokenizer.py WORK OUT

WORK is what `make_text.py` wrote. Writes `tokenizer.json` and `tokenizer_config.json` to OUT and prints the unknown
rate and the tokens per word of every language's held-out text.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from make_text import OTHERS, TARGETS, first_bytes, shuffled
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from edgeenc.text.corpus import read_lines

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIZE = 30_000
SEEN_OFTEN = 5
TARGET_BYTES, OTHER_BYTES = 2_000_000, 220_000
"""Text that the tokens are counted on: half of it the four target languages."""


def empty_tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    """Return a cased BERT tokenizer with `vocabulary` that normalises to NFC itself."""
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), bert])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return tokenizer


def alphabet(work: Path) -> list[str]:
    """Return, sorted, the characters that stand at least 5 times in all the permitted text together."""
    seen: Counter[str] = Counter()
    for path in sorted((work / "all").glob("*.txt.xz")):
        for line in read_lines(path):
            seen.update(line)
    return sorted(c for c, count in seen.items() if count >= SEEN_OFTEN and not c.isspace())


def frequent_tokens(work: Path) -> list[str]:
    """Return the tokens of a WordPiece model trained on the mixture, most general first."""
    text = []
    for language in (*TARGETS, *OTHERS):
        lines = shuffled(read_lines(work / "teacher" / f"{language}.txt.xz"), seed=0)
        text += first_bytes(lines, TARGET_BYTES if language in TARGETS else OTHER_BYTES)
    tokenizer = empty_tokenizer({"[UNK]": 0})
    trainer = trainers.WordPieceTrainer(
        vocab_size=SIZE, min_frequency=2, limit_alphabet=10_000, special_tokens=SPECIALS, show_progress=False
    )
    tokenizer.train_from_iterator(text, trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def main(work: Path, out: Path) -> None:
    """Train, write and report."""
    characters = alphabet(work)
    must = SPECIALS + characters + [f"##{c}" for c in characters]
    tokens = list(dict.fromkeys(must + frequent_tokens(work)))[:SIZE]
    tokenizer = empty_tokenizer({token: i for i, token in enumerate(tokens)})
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokens.index("[CLS]")), ("[SEP]", tokens.index("[SEP]"))],
    )
    tokenizer.add_special_tokens(SPECIALS)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIALS, strict=True))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, "do_lower_case": False} | names
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    print(f"{len(characters):,} characters, {len(tokens):,} tokens")
    for path in sorted((work / "heldout").glob("*.txt.xz")):
        lines = read_lines(path)
        if not lines:
            continue
        encoded = tokenizer.encode_batch(lines, add_special_tokens=False)
        total = sum(len(e.tokens) for e in encoded)
        unknown = sum(token == "[UNK]" for e in encoded for token in e.tokens)
        words = sum(len(line.split()) for line in lines)
        print(f"{path.name[:-7]}\tunknown {100 * unknown / total:.4f} %\ttokens/word {total / words:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
