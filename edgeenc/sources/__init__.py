"""Where a teacher, a text and labelled data come from: the kit, a folder, or the hub, pinned to a commit.

The only package that touches the network, and only for what is not in the hub's cache yet.
"""

from __future__ import annotations

from edgeenc.sources.datasets import dataset_folder
from edgeenc.sources.given import exists, file_and_column, given_texts
from edgeenc.sources.kit import STARTER, data_folder, starter_corpus
from edgeenc.sources.missing import attempt, require_found
from edgeenc.sources.models import NEEDED, Teacher, find_teacher, is_hub_name, teacher_folder
from edgeenc.sources.rehearsal import RANDOM, SEED, described, is_random
from edgeenc.sources.revision import taken_line
from edgeenc.sources.texts import ENOUGH, hub_text, is_hub_text

__all__ = [
    "ENOUGH",
    "NEEDED",
    "RANDOM",
    "SEED",
    "STARTER",
    "Teacher",
    "attempt",
    "data_folder",
    "dataset_folder",
    "described",
    "exists",
    "file_and_column",
    "find_teacher",
    "given_texts",
    "hub_text",
    "is_hub_name",
    "is_hub_text",
    "is_random",
    "require_found",
    "starter_corpus",
    "taken_line",
    "teacher_folder",
]
