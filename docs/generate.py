"""Write the documents made from code and results: docs/{cli,stages,results,map}.md, and two parts of README.md.

python docs/generate.py            write what differs
python docs/generate.py --check    write nothing; name what differs and end with 1
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edgeenc import errors

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 110
MAPPED = ("edgeenc/**/*.py", "recipes/**/*.yaml", "benchmarks/**/*.py", "benchmarks/**/*.sh", "docs/*.py", ".ci/run")
FOLDERS = {
    "recipes": "How to compress: a recipe a file",
    "recipes/languages": "Where the text and the tasks of a language are: a language a file",
    "benchmarks": "What made the figures in docs/results.md; raw results lie in `benchmarks/results`",
    "benchmarks/starter": "How the embedded teacher, text and tasks were made",
    "docs": "What makes the documents",
    ".ci": "What decides",
}
"""Folders that are no packages, and what each holds."""


def main() -> int:
    """Write or check every generated document and return the exit code."""
    check = sys.argv[1:] == ["--check"]
    differs = [path for path, text in documents().items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in differs:
        print(f"{path.relative_to(ROOT)}: {'differs, run python docs/generate.py' if check else 'written'}")
        if not check:
            path.write_text(documents()[path], "utf-8")
    return int(check and bool(differs))


def documents() -> dict[Path, str]:
    """Return each generated document with the text it should have."""
    from edgeenc.cli import cli  # here, so that the parts below can be tested on small groups
    from edgeenc.recipe import Recipe, stage_kinds

    sys.path.insert(0, str(ROOT / "docs"))
    from front import figures
    from results import results_page

    results = results_page()
    readme = (ROOT / "README.md").read_text("utf-8")
    for name, part in {"figures": figures(results), "exit codes": exit_codes()}.items():
        readme = replaced(readme, name, part)
    return {
        ROOT / "docs" / "cli.md": cli_page(cli, "edgeenc"),
        ROOT / "docs" / "stages.md": f"{stages_page(stage_kinds())}\n{stage_section('recipe', Recipe)}",
        ROOT / "docs" / "results.md": results,
        ROOT / "docs" / "map.md": map_page(),
        ROOT / "README.md": readme,
    }


def replaced(text: str, name: str, part: str) -> str:
    """Return `text` with what stands between `<!-- name -->` and `<!-- end of name -->` replaced by `part`.

    Raises:
        ValueError: the two marks are not there exactly once.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"README.md: expected {begin} and {end} once each; put them where the part belongs")
    before, rest = text.split(begin)
    return f"{before}{begin}\n\n{part.rstrip()}\n\n{end}{rest.split(end)[1]}"


def cli_page(group: click.Group, name: str) -> str:
    """Return the page of a command group: every command's usage, help and options, in the order of `--help`."""
    head = f"# The command line\n\nMade from the commands by `docs/generate.py`; do not edit.\n\n{exit_codes()}"
    return "\n".join(
        [
            head,
            *(
                section(context)
                for context in contexts(group, click.Context(group, info_name=name, **group.context_settings))
            ),
        ]
    )


def contexts(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Yield the contexts of a command and of everything below it that is not hidden."""
    context.terminal_width = context.max_content_width = WIDTH
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from contexts(
                    child, click.Context(child, parent=context, info_name=name, **child.context_settings)
                )


def section(context: click.Context) -> str:
    """Return one command's heading, usage, help and options."""
    command = context.command
    usage = " ".join(context.get_usage().removeprefix("Usage: ").split())
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    parts = [
        f"## {context.command_path}\n",
        f"    {usage}\n",
        inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n",
    ]
    parts += [f"- `{name}`: {' '.join(meaning.split())}" for name, meaning in records]
    return "\n".join([*parts, ""])


def stages_page(kinds: Mapping[str, type[BaseModel]]) -> str:
    """Return the page of all stages: what each does, and its fields with defaults and meanings.

    Raises:
        ValueError: a field has no docstring.
    """
    head = (
        "# Stages\n\nMade from the stages by `docs/generate.py`; do not edit. A recipe lists them in any order that the"
        " shapes allow, e.g.\n`{kind: prune-ffn, intermediate_size: 2048}`; `edgeenc recipes show NAME` prints one with"
        " every default\nwritten out. Last stands the recipe itself, with `bounds` and `fine_tuning`;"
        " `--lang tl:0.8+en:0.2` ([cli.md](cli.md)) gives a build several languages.\n"
    )
    return "\n".join([head, *(stage_section(kind, kinds[kind]) for kind in sorted(kinds))])


def stage_section(kind: str, model: type[BaseModel]) -> str:
    """Return one stage's heading, purpose and fields."""
    purpose = inspect.cleandoc(model.__doc__ or "")
    return "\n".join([f"## {kind}\n", f"{purpose}\n", *field_lines(model, ""), ""])


def field_lines(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yield a line for each field of a model; the fields of a field that is a model follow it."""
    for name, info in sorted(model.model_fields.items(), key=lambda item: not item[1].is_required()):
        if name == "kind":
            continue
        if not info.description:
            raise ValueError(f"{model.__name__}.{name}: say in a docstring below the field what it is for")
        nested = isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        shown = "" if nested else f" (default {default(info)})"
        shown = " (required)" if info.is_required() else shown
        yield f"- `{prefix}{name}`{shown}: {' '.join(info.description.split())}"
        if nested and isinstance(info.annotation, type):
            yield from field_lines(info.annotation, f"{prefix}{name}.")


def default(info: FieldInfo) -> str:
    """Return a field's default as YAML would have it."""
    value = info.get_default(call_default_factory=False)
    if value is None or value == "":
        return "none"
    plain = list(value) if isinstance(value, tuple) else value
    return f"`{str(plain).lower() if isinstance(plain, bool) else plain}`"


def exit_codes() -> str:
    """Return the table of exit codes, from the tree drawn in `errors.py`, each code checked against its class.

    Raises:
        ValueError: the drawing and the classes differ.
    """
    rows = {0: "done"}
    for name, code, meaning in re.findall(r"(\w+)\s+(\d+)\s+(.+)", errors.__doc__ or ""):
        kind = getattr(errors, name, None)
        if not isinstance(kind, type) or getattr(kind, "exit_code", None) != int(code):
            raise ValueError(
                f"edgeenc/errors.py: the docstring draws {name} with exit code {code}, the class says otherwise"
            )
        rows.setdefault(int(code), meaning)
    return "\n".join(
        ["| exit code | meaning |", "|---|---|", *(f"| {code} | {rows[code]} |" for code in sorted(rows)), ""]
    )


def map_page() -> str:
    """Return the page of all files: a line a folder, then the files of each folder."""
    files = mapped()
    folders = list(dict.fromkeys(path.parent for path in files))
    lines = [
        "# Map\n\nMade from the first line of each file by `docs/generate.py`; do not edit. A folder of `edgeenc/`"
        " knows only\nfolders below it: `LEVELS` in `tests/test_rules.py`.\n\n## Folders\n",
        *(f"- `{folder.relative_to(ROOT)}/`: {holds(folder)}" for folder in folders),
    ]
    for folder in folders:
        lines += [f"\n## {folder.relative_to(ROOT)}/\n", *file_lines(folder, files)]
    return "\n".join([*lines, ""])


def mapped() -> list[Path]:
    """Return every file of the map, in its order."""
    return sorted({path for pattern in MAPPED for path in ROOT.glob(pattern)}, key=order)


def file_lines(folder: Path, files: list[Path]) -> list[str]:
    """Return a line for each file of a folder: its path and what it says of itself; a package spoke before."""
    own = [path for path in files if path.parent == folder and path.name != "__init__.py"]
    return [f"- `{path.relative_to(ROOT)}`: {phrase(path)}" for path in own]


def holds(folder: Path) -> str:
    """Return what a folder holds: the first line of its package, or what `FOLDERS` says.

    Raises:
        ValueError: neither says anything.
    """
    if (folder / "__init__.py").is_file():
        return phrase(folder / "__init__.py")
    name = folder.relative_to(ROOT).as_posix()
    if name not in FOLDERS:
        raise ValueError(f"{name}/: say in docs/generate.py, in FOLDERS, what it holds")
    return FOLDERS[name]


def order(path: Path) -> tuple[int, Path, str]:
    """Return the sort key: folders in the order of `MAPPED`, then by name."""
    parts = path.relative_to(ROOT).parts
    first = next(i for i, pattern in enumerate(MAPPED) if pattern.startswith(parts[0]))
    return first, path.parent, path.name


def phrase(path: Path) -> str:
    """Return the first line of a file's docstring or comment, without its full stop.

    Raises:
        ValueError: there is none.
    """
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        said = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
    else:
        comments = (
            line.lstrip("# ") for line in text.split("\n") if line.startswith("#") and not line.startswith("#!")
        )
        said = next(comments, "")
    if not said:
        raise ValueError(f"{path.relative_to(ROOT)}: its first line should say in a phrase what it is")
    return said.rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
