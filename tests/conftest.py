"""A tiny real encoder and a few sentences of our own, shared by the tests."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForMaskedLM

from edgeenc.model.anatomy import BERT
from edgeenc.model.encoder import Encoder

SENTENCES = (
    "Ang aso ay natutulog sa ilalim ng mesa.",
    "Kumain kami ng kanin at isda kagabi.",
    "Malayo ang bahay nila sa paaralan, kaya naglalakad sila nang maaga.",
    "Umuulan na naman; dalhin mo ang payong!",
    "Saan ka pupunta bukas ng umaga?",
    "Bumili si Nena ng 12 itlog at 3 tinapay.",
    "Masaya ang mga bata habang naglalaro sa tabing-dagat.",
    "Hindi ko alam kung kailan darating ang bus.",
    "Ang tubig sa ilog ay malinaw at malamig.",
    "Sumulat siya ng liham para sa kanyang lola.",
    "Pusa ang alaga ni Tomas, at Muning ang pangalan nito.",
    "Mainit ang kape, kaya hinay-hinay lang sa pag-inom.",
    "Nagtanim ang magsasaka ng mais at palay noong Hunyo.",
    "Binuksan niya ang bintana upang pumasok ang hangin.",
    "Tatlong beses silang tumawag, ngunit walang sumagot.",
    "The small boat waits near the old bridge.",
    "She reads a book while the soup is cooking.",
    "Nobody knew why the lights went out at 9.",
    "We walked home slowly, talking about the music.",
    "A cat, a dog and two birds live in this yard.",
)


@pytest.fixture(scope="session")
def sentences() -> tuple[str, ...]:
    """Return twenty sentences written for these tests."""
    return SENTENCES


@pytest.fixture(scope="session")
def tiny_encoder(sentences: tuple[str, ...]) -> Encoder:
    """Return an encoder of 3 layers, hidden 32, 4 heads, FFN 48, 64 positions, about 120 pieces; do not change it."""
    tokenizer = _word_piece(sentences)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
        pad_token_id=tokenizer.token_to_id("[PAD]"),
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = BertForMaskedLM(config)
        torch.nn.init.normal_(model.cls.predictions.bias)
    return Encoder(model.eval(), tokenizer, BERT)


def _word_piece(text: tuple[str, ...]) -> Tokenizer:
    """Return a cased WordPiece tokenizer trained on `text`."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]", max_input_chars_per_word=100))
    bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), bert])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    trainer = trainers.WordPieceTrainer(vocab_size=120, min_frequency=1, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )
    return tokenizer
