"""A purpose: what an exported model computes, as one value in one file of `purposes/`.

Nobody else asks which purpose it is: sizes, sessions, gates, tasks and the model card read what the value says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from edgeenc.errors import InputError, UsageError
from edgeenc.kinds import named, values_of
from edgeenc.model.answers import Answer, Known, ReadText
from edgeenc.model.axes import Rows
from edgeenc.model.graph_text import FamilyText, GraphText
from edgeenc.model.shape import Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedModel

    from edgeenc.model.config import FileConfig
    from edgeenc.model.encoder import Encoder
    from edgeenc.model.sentence_head import SentenceHead

    Vectors: TypeAlias = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]

FOLDER = "edgeenc.model.purposes"


class ChoiceBounds(Protocol):
    """The bounds on how often two files put the same first; `recipe.Bounds` has them."""

    @property
    def top1_agreement(self) -> float:
        """Of tokens of a masked LM."""
        ...

    @property
    def label_agreement(self) -> float:
        """Of labels."""
        ...


@dataclass(frozen=True)
class Computed:
    """A model in PyTorch that computes a purpose.

    Attributes:
        model: the library's model.
        forward: from ids (B, T) and attention (B, T), 1 at tokens and 0 at padding, to the output.
        pool: what makes the output of the hidden states, where a purpose has one vector a text.
    """

    model: PreTrainedModel
    forward: Callable[[Tensor, Tensor], Tensor]
    pool: SentenceHead | None = None


@dataclass(frozen=True)
class Head:
    """What an exported file holds beside the encoder, for sizes that are predicted.

    Attributes:
        text: of a BERT with this head.
        more_text: which part of a family's own text counts.
        rows: parameters of the head by name, from the family's table.
        outputs: outputs of the linear layers on the hidden state, with biases, from shape and number of labels.
    """

    text: GraphText
    more_text: Callable[[FamilyText], GraphText] = lambda _: GraphText()
    rows: Callable[[Shape], Rows] = lambda _: {}
    outputs: Callable[[Shape, int], int] = lambda shape, labels: 0


@dataclass(frozen=True)
class View:
    """How gates look at an output.

    Attributes:
        vectors: one vector a text, (B, ...), from output and attention, whose cosines are compared; None for none.
        choices: the bound on how often the same is put first, where an output is a choice; None where it is none.
        masked: whether tokens are masked, so that choices are compared there alone.
    """

    vectors: Vectors | None = None
    choices: Callable[[ChoiceBounds], float] | None = None
    masked: bool = False


@dataclass(frozen=True)
class CardWords:
    """What the model card of a purpose says.

    Attributes:
        what: the model that the checkpoint holds.
        output: the output of the exported file, with `{hidden}` and `{vocab}` for sizes.
        first: where the first row of the output is, as an index.
        limit: what it cannot do.
        flags: of the command line, where this purpose is asked for by hand.
        optimum_class: class of optimum that loads the exported file.
        answer: Python of a function that gives an app its answer. It calls `run(text)`, which gives where each token
            begins and ends in the text, and the output.
        libraries: Markdown on the libraries that load the folder as it is for this purpose, with `FILE` and `DTYPE` for
            the exported file; empty where it is loaded as that of every purpose.
        tag: what the hub calls the purpose; its own name where it is empty.
        library: what the hub calls the library that loads the folder; transformers where it is empty.
        more_tags: under which it is found besides.
        library_class: class of transformers that computes the same output; empty where it is that of the checkpoint.
    """

    what: str
    output: str
    first: str
    limit: str
    optimum_class: str
    answer: str
    flags: str = ""
    libraries: str = ""
    tag: str = ""
    library: str = ""
    more_tags: tuple[str, ...] = ()
    library_class: str = ""


@dataclass(frozen=True)
class Purpose:
    """What an exported model computes.

    Attributes:
        name: in the words of the hub.
        output: of the exported file, the one that sessions give.
        auto_class: class of transformers that loads the checkpoint.
        load: return what computes it from a checkpoint folder; raises InputError.
        exported: the part of the library's model that goes into the file.
        head: what that part holds beside the encoder.
        view: how gates look at the output.
        card: what the model card says.
        answer: what an app is told of one text.
        of_encoder: return what computes it from an encoder; None where labels must be learnt first.
        labelled: what the name of a class ends with that has learnt labels for it; "" where it needs none.
        default: whether an encoder is exported for it where nothing is asked; one purpose is.
        tied: whether the output product reads the word embeddings.
        reads_head: whether the exported file holds the masked-LM head.
        pooled_from: the output that stands before its own, of which one vector a text is made; "" where there is none.
        read_as: another name under which libraries look for that output, last among all.
        traced: how the exporter calls what is traced; its own name where it is empty.
    """

    name: str
    output: str
    auto_class: str
    load: Callable[[Path], Computed]
    exported: Callable[[PreTrainedModel], nn.Module]
    head: Head
    view: View
    card: CardWords
    answer: Callable[[ReadText, Known], Answer]
    of_encoder: Callable[[Encoder], Computed] | None = None
    labelled: str = ""
    tied: bool = False
    reads_head: bool = False
    default: bool = False
    pooled_from: str = ""
    read_as: str = ""
    traced: str = ""


def purposes() -> tuple[Purpose, ...]:
    """Return every purpose, the default first."""
    return tuple(sorted(values_of(FOLDER, Purpose), key=lambda one: not one.default))


def encoder_purposes() -> tuple[Purpose, ...]:
    """Return the purposes that an encoder serves as it is; the first is the default."""
    return tuple(one for one in purposes() if not one.labelled)


def default_purpose() -> Purpose:
    """Return what an encoder is exported for where nothing is asked."""
    return encoder_purposes()[0]


def purpose_named(name: str) -> Purpose:
    """Return the purpose of that name.

    Raises:
        UsageError: there is none.
    """
    return named("export task", name, purposes(), UsageError)


def purpose_of_classifier(config: PretrainedConfig, folder: Path) -> Purpose:
    """Return what the classifier named in a configuration computes.

    Raises:
        InputError: it is no classifier of texts or words.
    """
    found = labelled_purpose(config)
    if found is None:
        named = ", ".join(config.architectures or ()) or "no class"
        raise InputError(f"checkpoint {folder}: {named} is named; expected a sequence or token classifier")
    return found


def labelled_purpose(config: PretrainedConfig | FileConfig) -> Purpose | None:
    """Return what the class named in a configuration computes, where it is a classifier."""
    named = " ".join(config.architectures or ())
    return next((one for one in purposes() if one.labelled and named.endswith(one.labelled)), None)
