"""An encoder is a masked-LM model, its tokenizer and its family's table; loaded strictly, saved as safetensors.

Axis letters: B batch, T tokens, H hidden, P masked positions, V vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from edgeenc.errors import InputError, first_three
from edgeenc.model.checkpoint import Checkpoint, HeadState, read_checkpoint
from edgeenc.model.config import load_encoder_config
from edgeenc.model.family import Family
from edgeenc.model.sentence_head import SentenceHead, sentence_head_if_known, write_sentence_head
from edgeenc.model.shape import Shape, shape_of
from edgeenc.model.weights import WEIGHTS, read_weights
from edgeenc.text.bert_reader import bert_reading
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.specials import Specials
from edgeenc.text.token_ids import without_added
from edgeenc.text.types import type_of
from edgeenc.text.vocabulary_files import without_tokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

RAISED = 64.0
"""Far above what hidden states hold, so that an activation leaves them as they are; near enough for float32."""


@dataclass(frozen=True)
class Encoder:
    """A masked-LM model with its tokenizer. Treated as immutable: stages return a new one."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    family: Family
    head: HeadState = "published"
    sentence: SentenceHead | None = None
    """What makes one vector of a text, where the files of the teacher say it."""

    @property
    def has_head(self) -> bool:
        """Whether the masked-LM head was trained, so that logits mean something."""
        return self.head != "grown"

    @property
    def shape(self) -> Shape:
        """The sizes of the model."""
        return shape_of(self.model.config)

    @property
    def longest_text(self) -> int:
        """To how many tokens it cuts a text: as many as it reads, or fewer where its sentence vectors are of fewer."""
        return self.sentence.reads(self.shape.longest) if self.sentence else self.shape.longest

    def hidden(self, ids_BT: Tensor, attend_BT: Tensor | None = None) -> Tensor:
        """Return the last hidden states (B, T, H); `attend_BT` is 1 at tokens and 0 at padding."""
        return self.model.base_model(input_ids=ids_BT, attention_mask=attend_BT).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the masked-LM logits (..., V) of hidden states (..., H)."""
        for name in self.family.head_modules:
            hidden = getattr(self.model, name)(hidden)
        return hidden


def load_encoder(folder: Path) -> Encoder:
    """Load a checkpoint folder (`config.json`, `model.safetensors`, `tokenizer.json`) as float32, strictly.

    Rows of the embedding that have no token are left out. Where there is no masked-LM head, one is grown. What makes
    one vector of a text is left out where its files say something unknown; who asks for vectors reads them strictly.

    Raises:
        InputError: as `read_checkpoint`, or the configuration describes no model that the library can build.
    """
    found = read_checkpoint(folder)
    config = load_encoder_config(folder)
    tokenizer = _fitted(load_tokenizer(folder, without=found.left_out), found)
    _renumber(config, found, tokenizer)
    family = shape_of(config).table
    try:
        with torch.random.fork_rng(devices=[]):
            model = family.model_class(config)
        nn.Module.float(model)
    except (ValueError, KeyError, IndexError, TypeError, RuntimeError, ArithmeticError, AssertionError) as error:
        raise InputError(f"checkpoint {folder}: config.json describes no model that can be built ({error!r})") from None
    state = _state(folder, family, found)
    if found.head == "grown":
        state |= grown_head(family, model.state_dict())
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise InputError(f"checkpoint {folder}: the weights do not fit config.json: {error}") from None
    return Encoder(model.eval(), tokenizer, family, found.head, sentence_head_if_known(folder)[0])


def grown_head(family: Family, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a masked-LM head that changes the last hidden states as little as its family allows.

    The dense layer is the identity, the output the embedding, with no bias. Before the activation all channels are
    raised by `RAISED`, where it is the identity too, and the norm behind it takes that away again; a head without that
    bias (ModernBERT) loses what is negative.

    Args:
        family: whose head it is.
        state: of a model of the family, for the sizes.
    """
    made = dict[str, Tensor]()
    for name, axes in family.head.items():
        like = state[name]
        if len(axes) == 2:
            made[name] = torch.eye(*like.shape)
            dense = name.removesuffix("weight") + "bias"
            if dense in family.head:
                made[dense] = torch.full_like(state[dense], RAISED)
        elif name not in made:
            made[name] = torch.ones_like(like) if name.endswith("weight") else torch.zeros_like(like)
    first = {name: state[source] for name, source in family.tied.items() if source not in family.head}
    return made | {name: made[source] for name, source in family.tied.items() if name not in first}


def _fitted(tokenizer: Tokenizer, found: Checkpoint) -> Tokenizer:
    """Return the tokenizer with its tokens numbered from 0 without a gap."""
    if not found.holes:
        return tokenizer
    new = {old: place for place, old in enumerate(found.keep)}
    return parse_tokenizer(type_of(tokenizer).trim(tokenizer.to_str(), new))


def _renumber(config: PretrainedConfig, found: Checkpoint, tokenizer: Tokenizer) -> None:
    """Let a configuration that was just read follow the tokens: how many there are, and the ids of special ones."""
    new = {old: place for place, old in enumerate(found.keep)}
    config.vocab_size = len(found.keep)
    for name, old in config.to_dict().items():
        if name.endswith("_token_id") and isinstance(old, int) and name not in found.shape.table.required:
            setattr(config, name, new.get(old))
    if "pad_token_id" not in found.shape.table.required:
        config.pad_token_id = Specials.of(tokenizer).pad


def load_tokenizer(folder: Path, without: Collection[str] = ()) -> Tokenizer:
    """Read `tokenizer.json` of a checkpoint folder, without truncation or padding, nor the added tokens `without`.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"checkpoint {folder}: {without_tokenizer(folder)}")
    try:
        text = path.read_text(encoding="utf-8")
        tokenizer = parse_tokenizer(without_added(text, frozenset(without)) if without else text)
    except Exception as error:  # the library raises bare Exception
        raise InputError(f"checkpoint {folder}: tokenizer.json is damaged ({error})") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _state(folder: Path, family: Family, found: Checkpoint) -> dict[str, Tensor]:
    """Return the checkpoint's tensors as float32 under the family's names, both names of tied ones, rows of tokens."""
    state = {found.names[name]: tensor for name, tensor in read_weights(folder).items() if name in found.names}
    if wrong := [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]:
        raise InputError(
            f"checkpoint {folder}: {len(wrong)} tensors hold values that are no finite numbers:"
            f" {first_three(wrong)}; get the weights again, or train the model again"
        )
    for name, source in family.tied.items():
        for one, other in ((name, source), (source, name)):
            if other in state:
                state.setdefault(one, state[other])
        if name in state and not torch.equal(state[name], state[source]):
            raise InputError(f"checkpoint {folder}: {name} differs from {source}, to which it should be tied")
    if len(found.keep) == found.rows:
        return state
    rows = torch.tensor(found.keep)
    cut = {name for name in state if "vocab" in family.axes(name)}
    return {name: tensor.index_select(0, rows) if name in cut else tensor for name, tensor in state.items()}


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write `config.json`, `model.safetensors` and the tokenizer's files; the same encoder gives the same bytes.

    A head that nobody has trained is not written: the folder is that of the library's class without a head.
    """
    from transformers import PreTrainedModel

    state = encoder.family.untied(encoder.model.state_dict())
    if encoder.has_head:
        save_checkpoint(encoder.model, state, encoder.tokenizer, folder)
    else:
        body = {name: tensor for name, tensor in state.items() if name not in encoder.family.head}
        model = encoder.model.base_model
        assert isinstance(model, PreTrainedModel)
        save_checkpoint(model, body, encoder.tokenizer, folder)
    if encoder.sentence is not None:
        write_sentence_head(encoder.sentence, folder, encoder.shape.hidden, encoder.shape.longest)


def save_checkpoint(
    model: PreTrainedModel, state: Mapping[str, Tensor], tokenizer: Tokenizer, folder: Path, weights: str = WEIGHTS
) -> None:
    """Write any model of the library with the tensors `state` and its tokenizer; what changes by itself is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: t.detach().contiguous().cpu() for n, t in state.items()}, folder / weights, metadata={"format": "pt"})
    config = model.config.to_dict() | {"architectures": [type(model).__name__]}
    for volatile in ("transformers_version", "_name_or_path", "_attn_implementation_autoset", "dtype", "torch_dtype"):
        config.pop(volatile, None)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    save_tokenizer(tokenizer, folder, shape_of(model.config))


def save_tokenizer(tokenizer: Tokenizer, folder: Path, shape: Shape) -> None:
    """Write the files from which transformers, transformers.js and mobile code read a tokenizer.

    These are three, and for WordPiece its list of tokens beside them, which the first readers of BERT ask for; unless
    those would read it in another way than `tokenizer.json` says.
    """
    special = Specials.of(tokenizer).names.tokens()
    tokenizer.save(str(folder / "tokenizer.json"))
    list_file = type_of(tokenizer).list_file
    reading = bert_reading(tokenizer) if list_file else None
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape.longest}
    config |= asdict(reading) if reading else {}
    reads = {} if shape.types > 1 else {"model_input_names": ["input_ids", "attention_mask"]}
    _write_json(folder / "tokenizer_config.json", config | special | reads)
    _write_json(folder / "special_tokens_map.json", special)
    if list_file is None or reading is None:
        return
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    (folder / list_file).write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")


def _write_json(path: Path, value: Mapping[str, str | int | bool | list[str]]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
