"""The fields of a `config.json`: of which type each is, which are refused, and which an encoder leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgeenc.errors import InputError

Fields = Mapping[str, object]

ACTIVATIONS = (
    *("gelu", "gelu_10", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python", "gelu_python_tanh"),
    *("gelu_pytorch_tanh", "laplace", "leaky_relu", "linear", "mish", "quick_gelu", "relu", "relu2", "relu6"),
    *("sigmoid", "silu", "swish", "tanh"),
)
"""What the library calls its activations that are one function of one number, without parameters."""


def _whole(value: object) -> bool:
    return type(value) is int


def _number(value: object) -> bool:
    return type(value) in (int, float)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a field may hold.

    Attributes:
        words: in a message, after "expected".
        holds: whether a value is of it.
        names: of the fields.
    """

    words: str
    holds: Callable[[object], bool]
    names: tuple[str, ...]


TYPES = (
    Typed(
        "a positive whole number",
        lambda value: type(value) is int and value > 0,
        (
            *("hidden_size", "dim", "num_hidden_layers", "n_layers", "num_attention_heads", "n_heads", "vocab_size"),
            *("intermediate_size", "hidden_dim", "max_position_embeddings"),
            *("global_attn_every_n_layers", "local_attention"),
        ),
    ),
    Typed(
        "a positive whole number or null",
        lambda value: value is None or (type(value) is int and value > 0),
        ("embedding_size", "attention_head_size", "pooler_hidden_size"),
    ),
    Typed(
        "a whole number",
        _whole,
        ("type_vocab_size", "position_buckets", "max_relative_positions", "conv_kernel_size"),
    ),
    Typed(
        "a number from 0 to 1",
        lambda value: isinstance(value, int | float) and type(value) is not bool and 0 <= value <= 1,
        (
            *("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "mlp_dropout"),
            *("embedding_dropout", "pooler_dropout", "seq_classif_dropout", "qa_dropout", "summary_last_dropout"),
        ),
    ),
    Typed("a number", _number, ("layer_norm_eps", "norm_eps", "initializer_range", "global_rope_theta")),
    Typed("a number or null", lambda value: value is None or _number(value), ("classifier_dropout", "cls_dropout")),
    Typed(
        "true or false",
        lambda value: type(value) is bool,
        (
            *("tie_word_embeddings", "relative_attention", "position_biased_input", "share_att_key", "legacy"),
            *("norm_bias", "attention_bias", "mlp_bias", "decoder_bias", "classifier_bias", "sinusoidal_pos_embds"),
        ),
    ),
    Typed(
        "the name of an activation, such as gelu",
        lambda value: value in ACTIVATIONS,
        ("hidden_act", "hidden_activation", "activation", "classifier_activation", "pooler_hidden_act"),
    ),
    Typed("text", lambda value: isinstance(value, str), ("norm_rel_ebd",)),
    Typed(
        "c2p, p2c or both, as a list or with | between them",
        lambda value: value is None or set(_split(value)) <= {"c2p", "p2c"},
        ("pos_att_type",),
    ),
    Typed(
        "a list of names of classes",
        lambda value: value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value)),
        ("architectures",),
    ),
)
"""Every field on which a model's arithmetic depends; a value of another type would end in the library's own words."""

UNACTED = ("_name_or_path", "transformers_version", "torch_dtype", "dtype", "auto_map", "attn_implementation")
"""Fields that say how a model was saved or loaded: left out without a word."""

SWITCHES: Fields = {
    "torchscript": False,
    "return_dict": True,
    "use_return_dict": True,
    "output_hidden_states": False,
    "output_attentions": False,
    "chunk_size_feed_forward": 0,
    "gradient_checkpointing": False,
    "is_decoder": False,
    "add_cross_attention": False,
    "cross_attention_hidden_size": None,
    "is_encoder_decoder": False,
    "tie_encoder_decoder": False,
    "encoder_no_repeat_ngram_size": 0,
    "pruned_heads": {},
}
"""Fields by which a caller once changed what the library returns or how it runs, and the value that changes nothing."""

OF_A_TASK = ("id2label", "label2id", "num_labels", "_num_labels", "problem_type", "finetuning_task")
"""Fields of a head for a task that an encoder learnt before."""
MORE_OF_A_TASK = ("task_specific_params",)

DECODERS = ("LMHeadModel", "ForCausalLM", "DecoderModel")
"""Ends of the names of classes whose models attend to the left alone."""

HEADED = ("ForMaskedLM", "ForPreTraining")
"""Ends of the names of classes that have an output matrix."""


def _split(value: object) -> list[object]:
    if isinstance(value, str):
        return [one.strip() for one in value.lower().split("|")]
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else [None]


def require_typed(fields: Fields) -> None:
    """Refuse a field of another type than its own.

    Raises:
        InputError: the first such field, its value, and what is expected.
    """
    for typed in TYPES:
        for name in typed.names:
            if name in fields and not typed.holds(fields[name]):
                raise InputError(f"config.json: {name} is {_shown(fields[name])}; expected {typed.words}")
    for name in (name for name in fields if name.endswith("_token_id")):
        _require_id(name, fields)


def _require_id(name: str, fields: Fields) -> None:
    """Refuse what is no id; that of the padding token is a row of the table, the others are told and not read."""
    found, vocab = fields[name], fields.get("vocab_size")
    if found is not None and not _whole(found):
        raise InputError(f"config.json: {name} is {_shown(found)}; expected a whole number or null")
    if name == "pad_token_id" and isinstance(found, int) and isinstance(vocab, int) and not 0 <= found < vocab:
        raise InputError(f"config.json: pad_token_id is {found:,}; the table has rows 0 to {vocab - 1:,}")


def require_cuttable(fields: Fields) -> None:
    """Refuse a model that is none of the encoders whose tables are known, whatever its family.

    Raises:
        InputError: it is a decoder, quantized, has heads taken out, or another kind of positions or table.
    """
    named = [str(one) for one in _list(fields.get("architectures"))]
    if fields.get("is_decoder") and any(one.endswith(DECODERS) for one in named):
        raise InputError(
            f"config.json: is_decoder is true and architectures says {', '.join(named[:3])}; a decoder attends to the"
            " left alone, and only encoders are supported"
        )
    if fields.get("quantization_config"):
        raise InputError(
            "config.json: quantization_config is there; quantized weights cannot be compressed, take the model that"
            " they were made of"
        )
    if fields.get("pruned_heads"):
        raise InputError(
            "config.json: pruned_heads is not empty; layers with different numbers of heads are not supported, take the"
            " model from before heads were taken out"
        )
    kind = fields.get("position_embedding_type")
    if isinstance(kind, str) and kind.startswith("relative_key"):
        raise InputError(f"config.json: position_embedding_type is {kind!r}; only 'absolute' is supported")
    if fields.get("tie_word_embeddings") is False and (not named or any(one.endswith(HEADED) for one in named)):
        raise InputError(
            "the output matrix is not tied to the embedding (tie_word_embeddings is false);"
            " such models are not supported, since one of the two tables would be lost"
        )


def without_switches(fields: Fields) -> dict[str, object]:
    """Return the fields of a model that is run as every other one, whatever a caller once wanted."""
    dropped = {*UNACTED, *SWITCHES, *(name for name in fields if name.startswith("_attn_implementation"))}
    kept = {name: value for name, value in fields.items() if name not in dropped}
    if kept.get("reference_compile"):
        kept["reference_compile"] = False
    if kept.get("tie_word_embeddings") is False:  # of a model without an output matrix, or it would have been refused
        kept["tie_word_embeddings"] = True
    return kept


def without_task(fields: Fields) -> dict[str, object]:
    """Return the fields of an encoder that has learnt no task."""
    return {name: value for name, value in fields.items() if name not in (*OF_A_TASK, *MORE_OF_A_TASK)}


def left_behind(fields: Fields) -> tuple[str, ...]:
    """Return what an encoder leaves behind of a configuration, in words: settings, and an earlier task.

    Worked example: `torchscript` true and labels NEG and POS give "torchscript" and "2 labels of an earlier task (NEG,
    POS)"; labels LABEL_0 and LABEL_1 are what the library writes where there are none.
    """
    changed = [name for name, plain in SWITCHES.items() if name in fields and fields[name] not in (plain, None)]
    changed += ["reference_compile"] if fields.get("reference_compile") else []
    changed += ["tie_word_embeddings"] if fields.get("tie_word_embeddings") is False else []
    return (*changed, *_task(fields))


def _task(fields: Fields) -> tuple[str, ...]:
    found = fields.get("id2label")
    labels = [str(label) for label in found.values()] if isinstance(found, dict) else []
    own = [label for label in labels if not label.startswith("LABEL_")]
    said = [f"{len(labels)} labels of an earlier task ({', '.join(own[:3])}{', ...' if len(own) > 3 else ''})"]
    task = [f"{name} {fields[name]!r}" for name in ("finetuning_task", "problem_type") if fields.get(name)]
    return (*(said if own or len(labels) > 2 else ()), *task)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _shown(value: object) -> str:
    """Return a value as the file has it, no longer than a message bears."""
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
