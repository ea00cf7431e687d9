"""`edgeenc recipes`: list, show, copy, check."""

from __future__ import annotations

from pathlib import Path

import click

from edgeenc.cli.options import FILE


@click.group()
def recipes() -> None:
    """List, show, copy and check recipes."""


@recipes.command("list")
def recipes_list() -> None:
    """List the recipes with what each is for."""
    from edgeenc.recipe import recipe_names
    from edgeenc.sources import data_folder

    names = recipe_names()
    width = max(map(len, names)) + 2
    for name in names:
        first = (data_folder("recipes") / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        click.echo(f"{name:<{width}}{first.removeprefix('# ').removeprefix(f'{name}: ')}")


@recipes.command("show")
@click.argument("recipe", metavar="NAME|PATH")
def recipes_show(recipe: str) -> None:
    """Print a recipe with every default written out."""
    from edgeenc.recipe import load_recipe

    click.echo(load_recipe(recipe).to_yaml(), nl=False)


@recipes.command("copy")
@click.argument("recipe", metavar="NAME")
@click.argument("path", type=FILE)
def recipes_copy(recipe: str, path: Path) -> None:
    """Copy a recipe to PATH, to be changed and then built with --recipe PATH; the copy is named after its file."""
    from edgeenc.errors import UsageError
    from edgeenc.machine.disk import on_disk
    from edgeenc.recipe import load_recipe, named_after, recipe_text

    load_recipe(recipe)
    with on_disk(path):
        if path.exists():
            raise UsageError(f"{path}: exists and is not overwritten; choose another name")
        path.write_text(recipe_text(recipe, named_after(path)), encoding="utf-8")
    click.echo(f"{path}: written; build with --recipe {path if '/' in str(path) else f'./{path}'}")


@recipes.command("check")
@click.argument("recipe", metavar="NAME|PATH")
def recipes_check(recipe: str) -> None:
    """Report every problem of a recipe; nothing runs."""
    from edgeenc.recipe import load_recipe

    click.echo(f"{recipe}: ok, {len(load_recipe(recipe).stages)} stages")
