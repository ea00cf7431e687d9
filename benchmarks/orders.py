"""The published order and settings beside ours, on the starter teacher, to one shape, with as many training tokens.

    python benchmarks/orders.py OUT [--tokens N] [--evaluations N] [--threads N] [--recipe NAME|PATH ...] [LANGUAGE ...]

Every training of a recipe gets its share of N tokens, by what the recipe gives it. OUT gets the recipes as they were
run, one store, the bundles and `orders.json` with the facts of every report; a table is printed. Minutes are those of
the trainings, and of the whole command.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import yaml
from starter_run import build

HERE = Path(__file__).resolve().parent
RECIPES = ("starter", *(str(HERE / f"orders-{name}.yaml") for name in ("last", "rates", "published")))
HEAD = ("language", "recipe", "parameters", "tokens", "bits per character", "training min", "whole min", "peak MB")


def budgeted(recipe: str, tokens: int, evaluations: int) -> str:
    """Return a recipe whose trainings read `tokens` tokens in all, in the proportions that it had.

    Worked example: trainings of 700, 750 and 1,600 tokens and a budget of 305 give 70, 75 and 160.
    """
    fields = yaml.safe_load(recipe)
    trained = [stage for stage in fields["stages"] if "tokens" in stage]
    whole = sum(stage["tokens"] for stage in trained)
    for stage in trained:
        stage |= {"tokens": stage["tokens"] * tokens // whole, "evaluations": evaluations}
    return yaml.safe_dump(fields, sort_keys=False)


def row(language: str, facts: dict) -> list[str]:
    """Return one row of the table."""
    trained = [step for step in facts["steps"] if step["tokens"]]
    return [
        language,
        facts["recipe"],
        f"{facts['student']['parameters']:,}",
        f"{sum(step['tokens'] for step in trained):,}",
        f"{facts['bits_per_character']['student']:.3f}",
        f"{sum(step['seconds'] for step in trained) / 60:.1f}",
        f"{facts['minutes']:.1f}",
        f"{facts['peak_bytes'] / 1e6:,.0f}",
    ]


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--tokens", default=300_000, show_default=True, help="Tokens of all trainings of a recipe together.")
@click.option("--evaluations", default=2, show_default=True, help="Evaluations on validation text in each training.")
@click.option("--threads", default=1, show_default=True)
@click.option("--recipe", "recipes", multiple=True, help="Name or path; four are compared where none is given.")
@click.argument("languages", nargs=-1)
def main(
    out: Path, tokens: int, evaluations: int, threads: int, recipes: tuple[str, ...], languages: tuple[str, ...]
) -> None:
    """Build every recipe in every language and print the table."""
    from edgeenc.recipe import find_recipe

    out.mkdir(parents=True, exist_ok=True)
    kept, rows = out / "orders.json", [HEAD, ["---"] * len(HEAD)]
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    for language in languages or ("tl",):
        for path in map(find_recipe, recipes or RECIPES):
            text = budgeted(path.read_text(encoding="utf-8"), tokens, evaluations)
            place = out / path.name
            place.write_text(text, encoding="utf-8")
            words = [
                "--lang",
                language,
                "--recipe",
                str(place),
                "--store",
                str(out / "store"),
                "--threads",
                str(threads),
            ]
            facts, minutes, peak = build([*words, "-o", str(out / f"{language}-{path.stem}")])
            made = facts | {"minutes": minutes, "peak_bytes": round(peak * 1e6), "recipe_text": text}
            results.setdefault(language, {})[path.stem] = made
            rows.append(row(language, made))
            kept.write_text(json.dumps(results, ensure_ascii=False) + "\n", encoding="utf-8")
            print("| " + " | ".join(rows[-1]) + " |", flush=True)
    print("\n".join("| " + " | ".join(cells) + " |" for cells in rows))


if __name__ == "__main__":
    main()
