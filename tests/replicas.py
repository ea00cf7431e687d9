"""Small replicas of published encoders, each with what is odd about the real one: names, heads, rows, tokens, files.

Sizes are tiny; class, tensor names, token layout, config fields and files beside them are as published.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from families import byte_pairs_of_gemma, unigram, unigram_without_mask, word_piece
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer
from torch import Tensor
from transformers import AutoConfig, PreTrainedModel

LAYERS, HIDDEN, HEADS, FFN = 4, 32, 4, 48

Text = tuple[str, ...]


@dataclass(frozen=True)
class Replica:
    """A published encoder in small.

    Attributes:
        model_type: as its `config.json` has it.
        made: class of transformers that makes the weights.
        tokenizer: makes the tokenizer from text.
        config: fields of `config.json` that differ from the library's defaults.
        rows: embedding rows more than tokens.
        prefix: what the tensor names lack that the class would give them.
        beside: further files by name.
        pickled: whether the weights are published as `pytorch_model.bin` alone.
        dtype: of the weights.
        shards: files that the weights are cut into.
        added: tokens that lie beyond the tokenizer's model.
        kept: fields of `config.json` that are written last.
    """

    model_type: str
    made: str
    tokenizer: Callable[[Text], Tokenizer]
    config: Mapping[str, object] = field(default_factory=dict)
    rows: int = 0
    prefix: str = ""
    beside: Mapping[str, object] = field(default_factory=dict)
    pickled: bool = False
    dtype: torch.dtype = torch.float32
    shards: int = 1
    added: tuple[str, ...] = ()
    kept: Mapping[str, object] = field(default_factory=dict)

    @property
    def has_head(self) -> bool:
        """Whether a masked-LM head is among the weights; the pre-training class of ELECTRA is a discriminator."""
        return self.made.endswith("ForMaskedLM") or self.made == "BertForPreTraining"

    def write(self, folder: Path, text: Text) -> Path:
        """Write the checkpoint into the new `folder` and return it."""
        folder.mkdir(parents=True)
        tokenizer = self.tokenizer(text)
        tokenizer.add_tokens([AddedToken(token) for token in self.added])
        model = self._model(tokenizer)
        config = model.config.to_dict() | {"architectures": [self.made], "torch_dtype": "float32"} | dict(self.kept)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        tokenizer.save(str(folder / "tokenizer.json"))
        for name, value in self.beside.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(value), encoding="utf-8")
        self._save(model, folder)
        return folder

    def _model(self, tokenizer: Tokenizer) -> PreTrainedModel:
        sizes = {
            **{"num_hidden_layers": LAYERS, "hidden_size": HIDDEN, "num_attention_heads": HEADS},
            **{"intermediate_size": FFN, "max_position_embeddings": 66, "vocab_size": tokenizer.get_vocab_size()},
        }
        sizes["vocab_size"] += self.rows
        names = {"n_layers": "num_hidden_layers", "dim": "hidden_size", "n_heads": "num_attention_heads"}
        if self.model_type == "distilbert":
            sizes |= {short: sizes[long] for short, long in names.items()} | {"hidden_dim": FFN}
        pad = next(n for token in ("[PAD]", "<pad>") if (n := tokenizer.token_to_id(token)) is not None)
        config = AutoConfig.for_model(self.model_type, **sizes | {"pad_token_id": pad} | dict(self.config))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(3)
            model = getattr(__import__("transformers"), self.made)(config)
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
        return model.eval()

    def _save(self, model: PreTrainedModel, folder: Path) -> None:
        tied = set(getattr(model, "_tied_weights_keys", None) or ())
        state = {
            name.removeprefix(self.prefix): tensor.to(self.dtype).clone().contiguous()
            for name, tensor in model.state_dict().items()
            if name not in tied
        }
        if self.pickled:
            torch.save(state, folder / "pytorch_model.bin")
        elif self.shards > 1:
            _shards(state, self.shards, folder)
        else:
            save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def _shards(state: Mapping[str, Tensor], count: int, folder: Path) -> None:
    names = sorted(state)
    where = {name: f"model-{1 + number % count:05}-of-{count:05}.safetensors" for number, name in enumerate(names)}
    for file in sorted(set(where.values())):
        save_file(
            {name: state[name] for name in names if where[name] == file}, folder / file, metadata={"format": "pt"}
        )
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    index = {"metadata": {"total_size": size}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _pooling(mode: str, *more: tuple[str, object]) -> dict[str, object]:
    """Return what sentence-transformers writes beside a checkpoint."""
    kinds = ["Transformer", "Pooling", *(name for name, _ in more)]
    places = ["", "1_Pooling", *(f"{number}_{name}" for number, (name, _) in enumerate(more, 2))]
    modules = [
        {"idx": n, "name": str(n), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for n, (kind, place) in enumerate(zip(kinds, places, strict=True))
    ]
    modes = {f"pooling_mode_{name}": name == mode for name in ("cls_token", "mean_tokens", "max_tokens")}
    pooling = {"word_embedding_dimension": HIDDEN, **modes}
    configs = {f"{place}/config.json": value for place, (_, value) in zip(places[2:], more, strict=True) if value}
    return {"modules.json": modules, "1_Pooling/config.json": pooling, **configs}


_DENSE = ("Dense", {"in_features": HIDDEN, "out_features": 24, "bias": True, "activation_function": "torch.nn.Tanh"})
_NORMALIZE = ("Normalize", None)
_XLM_R = {"type_vocab_size": 1, "bos_token_id": 0, "eos_token_id": 2, "layer_norm_eps": 1e-5}
_OLD_TASK = {
    **{"torchscript": True, "return_dict": False, "output_attentions": True, "output_hidden_states": True},
    **{"problem_type": "multi_label_classification", "id2label": {"0": "old", "1": "older", "2": "oldest"}},
    **{"label2id": {"old": 0, "older": 1, "oldest": 2}, "finetuning_task": "sst2", "_name_or_path": "/home/somebody"},
}

REPLICAS = {
    "bert-base-multilingual-cased": Replica(
        *("bert", "BertForPreTraining", word_piece),
        kept={"directionality": "bidi", "pooler_fc_size": HIDDEN, "pooler_num_fc_layers": 3},
    ),
    "xlm-roberta-base": Replica("xlm-roberta", "XLMRobertaForMaskedLM", unigram, _XLM_R),
    "multilingual-e5-small": Replica(
        *("bert", "BertModel", unigram),
        **{"rows": 35, "beside": _pooling("mean_tokens", _NORMALIZE)},
        kept={"tokenizer_class": "XLMRobertaTokenizer"},
    ),
    "multilingual-e5-base": Replica(
        *("xlm-roberta", "XLMRobertaModel", unigram, _XLM_R), beside=_pooling("mean_tokens", _NORMALIZE)
    ),
    "multilingual-e5-large": Replica(
        *("xlm-roberta", "XLMRobertaModel", unigram, _XLM_R), shards=3, dtype=torch.float16, kept={"dtype": "float16"}
    ),
    "paraphrase-multilingual-MiniLM-L12-v2": Replica(
        *("bert", "BertModel", unigram), rows=35, beside=_pooling("mean_tokens"), kept=_OLD_TASK
    ),
    "Multilingual-MiniLM-L12-H384": Replica("bert", "BertModel", unigram, rows=35, pickled=True),
    "LaBSE": Replica(
        *("bert", "BertModel", word_piece),
        beside=_pooling("cls_token", ("Dense", _DENSE[1] | {"out_features": HIDDEN}), _NORMALIZE),
    ),
    "distiluse-base-multilingual-cased-v2": Replica(
        *("distilbert", "DistilBertModel", word_piece), beside=_pooling("mean_tokens", _DENSE)
    ),
    "bge-m3": Replica(
        *("xlm-roberta", "XLMRobertaModel", unigram, _XLM_R | {"max_position_embeddings": 130}),
        **{"pickled": True, "beside": _pooling("cls_token", _NORMALIZE)},
    ),
    "mdeberta-v3-base": Replica(
        *("deberta-v2", "DebertaV2Model", unigram_without_mask),
        {
            **{"relative_attention": True, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True},
            **{"pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "type_vocab_size": 0},
            **{"layer_norm_eps": 1e-7, "max_relative_positions": -1},
        },
        **{"rows": 9, "pickled": True, "added": ("[MASK]",)},
    ),
    "mmBERT-base": Replica(
        *("modernbert", "ModernBertForMaskedLM", byte_pairs_of_gemma),
        {
            **{"local_attention": 8, "global_attn_every_n_layers": 3, "max_position_embeddings": 130},
            **{"bos_token_id": 2, "eos_token_id": 1, "cls_token_id": 1, "sep_token_id": 1},
        },
    ),
    "xlm-v-base": Replica("xlm-roberta", "XLMRobertaForMaskedLM", unigram, _XLM_R, dtype=torch.bfloat16),
    "glot500-base": Replica("xlm-roberta", "XLMRobertaForMaskedLM", unigram, _XLM_R, added=("ᱚᱞ", "ꯃꯤ", "𞤀𞤣")),
    "afro-xlmr-base": Replica("xlm-roberta", "XLMRobertaForMaskedLM", unigram, _XLM_R, pickled=True),
    "afriberta-large": Replica(
        *("xlm-roberta", "XLMRobertaForMaskedLM", unigram, _XLM_R),
        kept={"tokenizer_class": "XLMRobertaTokenizer", "gradient_checkpointing": False, "use_cache": True},
    ),
    "snowflake-arctic-embed-l-v2.0": Replica(
        *("xlm-roberta", "XLMRobertaModel", unigram, _XLM_R | {"max_position_embeddings": 130}),
        beside=_pooling("cls_token", _NORMALIZE),
    ),
    "muril-base-cased": Replica("bert", "BertForMaskedLM", word_piece, {"embedding_size": HIDDEN}),
    "electra-base-discriminator": Replica("electra", "ElectraForPreTraining", word_piece, {"embedding_size": 16}),
    "electra-base-generator": Replica("electra", "ElectraForMaskedLM", word_piece, {"embedding_size": 16}),
}
"""Those that are supported, by the name of the model."""

REFUSED = {
    "rembert": Replica("rembert", "RemBertModel", unigram, {"input_embedding_size": 16, "output_embedding_size": 48}),
    "indic-bert": Replica("albert", "AlbertModel", unigram, {"embedding_size": 16}),
    "gte-multilingual-base": Replica(
        *("bert", "BertModel", unigram),
        kept={"model_type": "new", "architectures": ["NewModel"], "auto_map": {"AutoModel": "modeling.NewModel"}},
    ),
    "EuroBERT-210m": Replica(
        *("bert", "BertModel", unigram),
        kept={"model_type": "eurobert", "auto_map": {"AutoModel": "modeling_eurobert.EuroBertModel"}},
    ),
    "snowflake-arctic-embed-m-v2.0": Replica(
        *("bert", "BertModel", unigram),
        kept={"model_type": "gte", "auto_map": {"AutoModel": "modeling_hf_alibaba_nlp_gte.GteModel"}},
    ),
    "nomic-embed-text-v2-moe": Replica(
        *("bert", "BertModel", unigram),
        kept={"model_type": "nomic_bert", "auto_map": {"AutoModel": "modeling_hf_nomic_bert.NomicBertModel"}},
    ),
}
"""Those that are refused, with the reason, before anything is read."""
