"""How an encoder makes one vector of a text, kept in the files of sentence-transformers: pooling, a map, length one.

Axis letters: B texts, T tokens, H hidden, D dimensions of the vector.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeenc.errors import InputError, ShapeError
from edgeenc.model.dense_shape import DenseShape, Maps
from edgeenc.record.form import Json, read_json

if TYPE_CHECKING:
    from torch import Tensor

Pooling = Literal["mean", "cls"]
Activation = Literal["identity", "tanh"]

MODULES = "modules.json"
PROMPTS = "config_sentence_transformers.json"
TOKENS = "sentence_bert_config.json"
DENSE_WEIGHTS = "model.safetensors"
SENTENCE_FILES = (MODULES, PROMPTS, TOKENS, "[1-9]*_*/config.json", f"[1-9]*_*/{DENSE_WEIGHTS}")
"""Patterns of the names of all these files in a published folder, whose modules lie in `1_Pooling`, `2_Dense`."""
FLAGS = {
    **{"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean", "pooling_mode_max_tokens": "max"},
    **{"pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "pooling_mode_lasttoken": "lasttoken"},
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
"""How a folder written before version 5.5 of the library says its pooling; later ones say `pooling_mode`."""

ACTIVATIONS: Mapping[Activation, str] = {
    "identity": "torch.nn.modules.linear.Identity",
    "tanh": "torch.nn.modules.activation.Tanh",
}

FEWEST = 3
"""Tokens: a text is read in two special ones, and has one."""
_FIRST = ("Transformer", "Pooling")
_LOWERS = re.compile(r'"lowercase":\s*true|"type":\s*"Lowercase"')


@dataclass(frozen=True, eq=False)
class Dense:
    """A linear map of the pooled vector, as the library's module Dense has it.

    Attributes:
        weight: (D, H), float32.
        bias: (D,), or None.
        activation: what follows.
    """

    weight: Tensor
    bias: Tensor | None = None
    activation: Activation = "identity"

    def __call__(self, pooled_BH: Tensor) -> Tensor:
        """Return the mapped vectors (B, D)."""
        import torch
        import torch.nn.functional as F

        out_BD = F.linear(pooled_BH, self.weight.to(pooled_BH), None if self.bias is None else self.bias.to(pooled_BH))
        return torch.tanh(out_BD) if self.activation == "tanh" else out_BD


@dataclass(frozen=True)
class SentenceHead:
    """What makes one vector of the hidden states of a text.

    Attributes:
        pooling: `mean` of the states at real tokens, or the state of the first token, `cls`.
        dense: maps after pooling, in their order.
        normalize: whether the vector is given length one at the end.
        prompts: what is put before a text, by the name of its use, such as "query" and "passage".
        default_prompt: which of them is put before a text where nothing is said.
        max_length: tokens to which a text is cut, where that is less than the encoder reads; else None.
    """

    pooling: Pooling = "mean"
    dense: tuple[Dense, ...] = ()
    normalize: bool = True
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    max_length: int | None = None

    def __call__(self, hidden_BTH: Tensor, attend_BT: Tensor) -> Tensor:
        """Return the vectors (B, D) of texts, `attend_BT` 1 at tokens and 0 at padding.

        Worked example: states 1, 3 and 100 of one channel with the last one padding have the mean 2.
        """
        import torch.nn.functional as F

        if self.pooling == "cls":
            vector_BD = hidden_BTH[:, 0]
        else:
            weight_BT1 = attend_BT.unsqueeze(-1).to(hidden_BTH.dtype)
            vector_BD = (hidden_BTH * weight_BT1).sum(1) / weight_BT1.sum(1).clamp_min(1e-9)
        for dense in self.dense:
            vector_BD = dense(vector_BD)
        return F.normalize(vector_BD, dim=-1) if self.normalize else vector_BD

    def prompt(self, name: str | None = None) -> str:
        """Return what is put before a text used as `name`; without a name, or of an unknown one, the default."""
        chosen = name if name in self.prompts else self.default_prompt
        return self.prompts[chosen] if chosen is not None else ""

    def words(self, hidden: int, longest: int) -> str:
        """Return how vectors are made of the `hidden` channels of an encoder that reads `longest` tokens, in words.

        Worked example: `mean of tokens, 384 dimensions, length 1; prompts: query "query: "`.
        """
        made = "mean of tokens" if self.pooling == "mean" else "first token"
        mapped = f", Dense to {self.dimensions(hidden):,}" if self.dense else ""
        length = ", length 1" if self.normalize else ""
        cut = self.reads(longest)
        length += f", of {cut:,} tokens at most" if cut < longest else ""
        prompts = ", ".join(f"{name} {json.dumps(text, ensure_ascii=False)}" for name, text in self.prompts.items())
        default = f" (default: {self.default_prompt})" if self.default_prompt else ""
        said = f"; prompts: {prompts}{default}" if prompts else ""
        return f"{made}{mapped}, {self.dimensions(hidden):,} dimensions{length}{said}"

    @property
    def maps(self) -> Maps:
        """The sizes of the Dense modules."""
        return tuple(DenseShape(one.weight.shape[1], one.weight.shape[0], one.bias is not None) for one in self.dense)

    def reading(self, map_HK: Tensor) -> SentenceHead:
        """Return the head for hidden states u = map^T h of K channels in the place of h; without Dense it is the same.

        Worked example: a map that keeps channels 0 and 2 of three keeps these columns of the first Dense.
        """
        if not self.dense:
            return self
        first = self.dense[0]
        return replace(self, dense=(replace(first, weight=first.weight @ map_HK.to(first.weight)), *self.dense[1:]))

    def reads(self, longest: int) -> int:
        """Return to how many tokens a text is cut that is read by an encoder of `longest`."""
        return min(longest, self.max_length or longest)

    def dimensions(self, hidden: int) -> int:
        """Return the length of a vector made of `hidden` channels."""
        return self.dense[-1].weight.shape[0] if self.dense else hidden


def read_sentence_head(folder: Path) -> SentenceHead | None:
    """Return what `modules.json` of a checkpoint folder and the files beside it say, or None where there is none.

    Raises:
        InputError: a file is damaged, or a module or a pooling is none of those above.
    """
    path = folder / MODULES
    if not path.is_file():
        return None
    listed = _json(path)
    if not isinstance(listed, list):
        raise InputError(f"checkpoint {folder}: {MODULES} is no list of modules; get the file again")
    named = [_module(folder, item) for item in listed]
    kinds = [kind for kind, _ in named if kind != "Dropout"]  # which does nothing after training
    maps = kinds.count("Dense")
    if kinds not in ([*_FIRST, *["Dense"] * maps], [*_FIRST, *["Dense"] * maps, "Normalize"]):
        raise InputError(
            f"checkpoint {folder}: {MODULES} names {', '.join(kinds) or 'nothing'}; Transformer, Pooling, then Dense"
            " where there is any, and Normalize at most at the end are known"
        )
    _require_case(folder)
    places = {kind: place for kind, place in named}
    prompts, default = _prompts(folder / PROMPTS)
    dense = tuple(_dense(place) for kind, place in named if kind == "Dense")
    pooling = _pooling(places["Pooling"] / "config.json")
    longest = max_sequence(folder)
    return SentenceHead(pooling, dense, "Normalize" in kinds, prompts, default, longest)


def max_sequence(folder: Path) -> int | None:
    """Return to how many tokens a folder cuts texts, or None where it says nothing, or no less than its encoder reads.

    Raises:
        InputError: what it says is no number of tokens.
    """
    from edgeenc.model.config import load_shape

    path = folder / TOKENS
    said = _json(path) if path.is_file() else {}
    most = said.get("max_seq_length") if isinstance(said, dict) else None
    if most is None:
        return None
    if not isinstance(most, int) or isinstance(most, bool) or most < FEWEST:
        raise InputError(f"{path}: max_seq_length is {most!r}; a whole number of at least {FEWEST} tokens is expected")
    if (folder / "config.json").is_file() and most >= load_shape(folder).longest:
        return None
    return most


def longest_text(folder: Path) -> int:
    """Return to how many tokens texts are cut for the model of a folder: as it reads, or fewer as its files say.

    Raises:
        InputError: `config.json` is missing or damaged, or what the files say is no number of tokens.
    """
    from edgeenc.model.config import load_shape

    cut = max_sequence(folder) if (folder / MODULES).is_file() else None
    return cut or load_shape(folder).longest


def sentence_files(folder: Path) -> list[str]:
    """Return the files of a checkpoint folder that say how a text's vector is made, by their names from there."""
    if not (folder / MODULES).is_file():
        return []
    listed = _json(folder / MODULES)
    places = [_module(folder, item)[1] for item in listed] if isinstance(listed, list) else []
    within = [place / name for place in places if place != folder for name in ("config.json", DENSE_WEIGHTS)]
    found = [path for path in (folder / MODULES, folder / PROMPTS, *within) if path.is_file()]
    return [path.relative_to(folder).as_posix() for path in found]


def sentence_head_if_known(folder: Path) -> tuple[SentenceHead | None, str]:
    """Return the same, or None and why, where the files say something that is not known."""
    try:
        return read_sentence_head(folder), ""
    except InputError as error:
        return None, str(error)


def write_sentence_head(head: SentenceHead, folder: Path, hidden: int, longest: int) -> None:
    """Write the files from which sentence-transformers 2.2 and later read `head`, beside a checkpoint of the library.

    Args:
        head: what is written.
        folder: of the checkpoint.
        hidden: channels of a hidden state.
        longest: tokens to which a text is cut.

    Raises:
        ShapeError: a Dense module reads another number of channels than it is given.
    """
    _require_fit(head, hidden)
    kinds = ["Transformer", "Pooling", *["Dense"] * len(head.dense), *["Normalize"] * head.normalize]
    modules = [
        {
            "idx": place,
            "name": str(place),
            "path": f"{place}_{kind}" if place else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for place, kind in enumerate(kinds)
    ]
    _write(folder / MODULES, modules)
    _write(folder / TOKENS, {"max_seq_length": head.reads(longest), "do_lower_case": False})
    _write(
        folder / PROMPTS,
        {"prompts": dict(head.prompts), "default_prompt_name": head.default_prompt, "similarity_fn_name": "cosine"},
    )
    flags = {name: kind == head.pooling for name, kind in FLAGS.items()}
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": hidden, **flags, "include_prompt": True})
    for place, dense in enumerate(head.dense, start=2):
        _write_dense(dense, folder / f"{place}_Dense")


def cut_tokenizer(folder: Path, longest: int) -> None:
    """Let the tokenizer of a folder cut texts there too, for libraries that read no file of sentence-transformers."""
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text("utf-8"))
    if said["model_max_length"] != longest:
        path.unlink()  # it may be a link
        path.write_text(json.dumps(said | {"model_max_length": longest}, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _module(folder: Path, item: Json) -> tuple[str, Path]:
    """Return the kind of a module, which is the last part of its class's name in every version, and its folder."""
    if not isinstance(item, dict) or not isinstance(kind := item.get("type"), str):
        raise InputError(f"checkpoint {folder}: {MODULES} has a module without a type; get the file again")
    return kind.rsplit(".", 1)[-1], folder / str(item.get("path") or "")


def _require_case(folder: Path) -> None:
    """Refuse a folder whose library makes letters small where its tokenizer does not: an app would not know of it."""
    path, tokenizer = folder / TOKENS, folder / "tokenizer.json"
    said = _json(path) if path.is_file() else {}
    if not isinstance(said, dict) or said.get("do_lower_case") is not True or not tokenizer.is_file():
        return
    if not _LOWERS.search(tokenizer.read_text("utf-8", errors="replace")):
        raise InputError(
            f"checkpoint {folder}: {TOKENS} makes letters small and tokenizer.json does not; set do_lower_case to false"
            " there, or add a Lowercase normalizer to tokenizer.json"
        )


def _require_fit(head: SentenceHead, width: int) -> None:
    """Hold each Dense module against the channels that it is given."""
    for dense in head.dense:
        reads = dense.weight.shape[1]
        if reads != width:
            raise ShapeError(
                f"a Dense module of the sentence vectors reads {reads:,} channels, and there are {width:,}"
            )
        width = dense.weight.shape[0]


def _pooling(path: Path) -> Pooling:
    """Return the pooling of a module's configuration."""
    said = _json(path)
    if not isinstance(said, dict):
        raise InputError(f"{path}: an object is expected; get the file again")
    mode = said.get("pooling_mode") or [kind for name, kind in FLAGS.items() if said.get(name)] or "mean"
    named = [mode] if isinstance(mode, str) else list(mode) if isinstance(mode, list) else [repr(mode)]
    if named == ["mean"]:
        pooling: Pooling = "mean"
    elif named == ["cls"]:
        pooling = "cls"
    else:
        raise InputError(f"{path}: pooling by {' and '.join(map(str, named))} is not known; mean or cls is")
    if said.get("include_prompt") is False:
        raise InputError(f"{path}: include_prompt is false; a pooling that leaves the prompt out is not known")
    return pooling


def _dense(folder: Path) -> Dense:
    """Return the linear map of a module's folder."""
    from safetensors.torch import load_file

    said, path = _json(folder / "config.json"), folder / DENSE_WEIGHTS
    if not isinstance(said, dict):
        raise InputError(f"{folder}: config.json is no object; get the file again")
    named = str(said.get("activation_function", ""))
    known: dict[str, Activation] = {full.rsplit(".", 1)[-1]: name for name, full in ACTIVATIONS.items()}
    odd = said.get("use_residual") or said.get("module_input_name") not in (None, "sentence_embedding")
    if (activation := known.get(named.rsplit(".", 1)[-1])) is None or odd:
        raise InputError(
            f"{folder}: a Dense module with {named or 'no activation'}{' and more' if odd else ''} is not known;"
            " Identity and Tanh on the vector of a text are"
        )
    if not path.is_file():
        raise InputError(f"{folder}: model.safetensors is missing; `edgeenc convert` makes it of pytorch_model.bin")
    state = load_file(path)
    if "linear.weight" not in state:
        raise InputError(f"{path}: no tensor linear.weight; get the file again")
    bias = state.get("linear.bias")
    return Dense(state["linear.weight"].float(), None if bias is None else bias.float(), activation)


def _write_dense(dense: Dense, folder: Path) -> None:
    from safetensors.torch import save_file

    wide, narrow = dense.weight.shape[1], dense.weight.shape[0]
    said = {"in_features": wide, "out_features": narrow, "bias": dense.bias is not None}
    _write(folder / "config.json", said | {"activation_function": ACTIVATIONS[dense.activation]})
    state = {"linear.weight": dense.weight} | ({} if dense.bias is None else {"linear.bias": dense.bias})
    save_file({name: tensor.detach().contiguous().cpu() for name, tensor in state.items()}, folder / DENSE_WEIGHTS)


def _prompts(path: Path) -> tuple[dict[str, str], str | None]:
    """Return prompts and the name of the default one; none where the file says nothing of them."""
    said = _json(path) if path.is_file() else {}
    found = said.get("prompts") if isinstance(said, dict) else None
    default = said.get("default_prompt_name") if isinstance(said, dict) else None
    prompts = {str(name): str(text or "") for name, text in found.items()} if isinstance(found, dict) else {}
    return prompts, default if isinstance(default, str) and default in prompts else None


def _json(path: Path) -> Json:
    try:
        return read_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); get the file again") from None


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
