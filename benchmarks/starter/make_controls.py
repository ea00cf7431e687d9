"""Write the kit's record of what random weights reach, out of the raw results of the recipe `starter-control`.

    python benchmarks/starter/make_controls.py benchmarks/results/starter-control_HOST_DATE.json

The results are those of `benchmarks/starter_run.py --recipe starter-control`; make them again when the starter recipe,
its text or its tokenizer changes: a build shows only a record of its own shape, tokens and text.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

PLACE = Path(__file__).parents[2] / "edgeenc" / "starter" / "controls.json"


def records(results: Path) -> dict:
    """Return for each language the control's figures and what a build must have in common with it."""
    facts_of = json.loads(results.read_text(encoding="utf-8"))
    _, host, day = results.stem.split("_")
    languages = {
        language: {
            "parameters": facts["student"]["parameters"],
            "tokens": next(step["tokens"] for step in facts["steps"] if step["name"] == "control"),
            "unigram": facts["bits_per_character"]["unigram"],
            "random": facts["bits_per_character"]["random"],
        }
        for language, facts in facts_of.items()
    }
    return {"measured": f"{day} on {host} by the recipe starter-control", "languages": languages}


@click.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True))
def main(results: Path) -> None:
    """Write the record."""
    PLACE.write_text(json.dumps(records(results), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
