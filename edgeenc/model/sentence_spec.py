"""What a recipe says of sentence vectors; what it leaves out is as the teacher's folder says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from edgeenc.model.sentence_head import SentenceHead


class SentenceSpec(BaseModel):
    """How one vector of a text is made, where it is not as the teacher's folder says."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    pooling: Literal["mean", "cls"] | None = None
    """`mean` of the states of all tokens, or the state of the first one, `cls`."""
    normalize: bool | None = None
    """Whether a vector is given length 1, so that dot products are cosines."""
    prompts: Mapping[str, str] | None = None
    """What is put before a text, by the name of its use: `{query: "query: ", passage: "passage: "}`."""
    default_prompt: str | None = None
    """Which prompt is put before a text where nothing is said."""

    max_seq_length: int | None = Field(default=None, ge=3)
    """To how many tokens texts are cut, special ones counted; never more than the encoder reads."""

    @model_validator(mode="after")
    def _known_default(self) -> Self:
        """Refuse a default that is none of the recipe's own prompts."""
        if self.prompts is not None and self.default_prompt not in (None, *self.prompts):
            known = ", ".join(self.prompts) or "none"
            raise ValueError(f"default_prompt {self.default_prompt!r} is none of the prompts, which are: {known}")
        return self

    def over(self, head: SentenceHead | None) -> SentenceHead:
        """Return the head of a teacher, or the mean at length one, with what is said here.

        Raises:
            InputError: the default prompt is none that the teacher has.
        """
        from dataclasses import replace

        from edgeenc.errors import InputError
        from edgeenc.model.sentence_head import SentenceHead

        head = head or SentenceHead()
        prompts = head.prompts if self.prompts is None else self.prompts
        default = self.default_prompt or head.default_prompt
        if self.default_prompt is not None and self.default_prompt not in prompts:
            raise InputError(
                f"sentence.default_prompt: the teacher has no prompt {self.default_prompt!r}, but"
                f" {', '.join(prompts) or 'none'}; give them with sentence.prompts"
            )
        return replace(
            head,
            pooling=self.pooling or head.pooling,
            normalize=head.normalize if self.normalize is None else self.normalize,
            prompts=dict(prompts),
            default_prompt=default if default in prompts else None,
            max_length=self.max_seq_length or head.max_length,
        )
