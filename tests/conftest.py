"""A tiny real encoder and a few sentences of our own, shared by the tests."""

from __future__ import annotations

import pytest
import torch
from families import word_piece
from transformers import BertConfig, BertForMaskedLM

from edgeenc.model.encoder import Encoder
from edgeenc.model.families import family_of

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
    """Return an encoder of 3 layers, hidden 32, 4 heads, FFN 48, 64 positions, about 120 tokens; do not change it."""
    tokenizer = word_piece(sentences)
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
    return Encoder(model.eval(), tokenizer, family_of("bert"))
