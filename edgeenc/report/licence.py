"""Under which licence a model may be passed on: of the kit's it is known, of others only who must be asked."""

from __future__ import annotations

import json

from edgeenc.record.facts import Facts
from edgeenc.report.draw.blocks import Table, escape
from edgeenc.sources.kit import STARTER, data_folder

OF_KIT = "cc-by-sa-4.0"
"""Of what is made from the kit's teacher and text: the strictest licence among its sources."""

TEACHER = "multilingual-e5-small (MIT, copyright 2023 Intfloat contributors)"
"""What the kit's teacher is, and what its licence asks to be named."""


def licence(facts: Facts) -> str | None:
    """Return the licence as model hubs name it, or None where edgeenc cannot know it."""
    return OF_KIT if _of_kit(facts) and not facts.tasks else None


def licence_words(facts: Facts) -> str:
    """Return what a user must know before passing the model on."""
    task = " of the task's data too, which edgeenc does not know" if facts.tasks else ""
    if _of_kit(facts):
        return (
            "Licence: teacher and text are those of edgeenc's starter kit. Whoever passes the model on names the"
            f" teacher, {TEACHER}, and the sources below, and shares it under CC BY-SA 4.0"
            f"{task and '; heed the licence' + task}."
        )
    text = f"the text that it was trained on ({escape(facts.corpus)})"
    return (
        f"Licence: edgeenc knows neither that of the teacher ({escape(facts.teacher.source)}) nor that of {text};"
        f" look there before you pass the model on{task and ', and heed the licence' + task}."
    )


def attribution(facts: Facts) -> Table | None:
    """Return the sources of the kit's text of the model's languages."""
    if not _of_kit(facts):
        return None
    listed = json.loads((data_folder(STARTER) / "text" / "sources.json").read_text(encoding="utf-8"))
    rows = tuple(
        (row["source"], row["commit"], row["licence"])
        for tag in facts.language.tag.split("+")
        for row in listed.get(tag, [])
    )
    return Table("Sources of the text (GitHub repository and path)", ("Source", "Commit", "Licence"), "lll", rows)


def _of_kit(facts: Facts) -> bool:
    several = facts.languages
    corpora = {one.corpus for one in several} if several else {facts.corpus}
    return facts.teacher.source == STARTER and corpora == {STARTER}
