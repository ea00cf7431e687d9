"""Documents made from the code: what is in the repository is what `docs/generate.py` makes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import click
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_documents_are_up_to_date(generate: ModuleType) -> None:
    for path, text in generate.documents().items():
        assert path.read_text("utf-8") == text, f"{path.name} differs; run python docs/generate.py"


def test_a_command_shows_its_usage_help_and_options_and_hidden_ones_nothing(generate: ModuleType) -> None:
    @click.group()
    def small() -> None:
        """Show what a group looks like."""

    @small.command()
    @click.option("--lang", metavar="TAG", required=True, help="Language of\n the text.")
    @click.argument("path")
    def build(lang: str, path: str) -> None:
        """Build one.

        In two paragraphs.
        """

    @small.command(hidden=True)
    def secret() -> None:
        """Not to be seen."""

    page = generate.cli_page(small, "edge")
    assert "## edge\n\n    edge [OPTIONS] COMMAND [ARGS]...\n\nShow what a group looks like.\n" in page
    assert "## edge build\n\n    edge build [OPTIONS] PATH\n\nBuild one.\n\nIn two paragraphs.\n" in page
    assert "- `--lang TAG`: Language of the text.  [required]".replace("  ", " ") in page
    assert "secret" not in page


def test_every_stage_and_field_is_explained_with_its_default(generate: ModuleType) -> None:
    from typing import Literal

    from pydantic import BaseModel, ConfigDict, Field

    from edgeenc.recipe import stage_kinds
    from edgeenc.stages.stage import Stage

    class Inner(BaseModel):
        model_config = ConfigDict(use_attribute_docstrings=True)
        weight: float = 0.5
        """Weight\n of it."""

    class Small(Stage):
        """Do little.

        And slowly.
        """

        kind: Literal["small"] = "small"
        size: int = Field(gt=0)
        """How much."""
        quick: bool = False
        """Whether soon."""
        keep: tuple[int, ...] = (1, 2)
        """Which."""
        inner: Inner = Inner()
        """What else."""

    page = generate.stages_page({"small": Small})
    assert "## small\n\nDo little.\n\nAnd slowly.\n\n- `size` (required): How much.\n- `name` (default none): " in page
    assert "- `quick` (default `false`): Whether soon.\n- `keep` (default `[1, 2]`): Which.\n" in page
    assert "- `inner`: What else.\n- `inner.weight` (default `0.5`): Weight of it.\n" in page
    assert all(f"## {kind}\n" in generate.stages_page(stage_kinds()) for kind in stage_kinds())

    class Mute(Stage):
        size: int = 3

    with pytest.raises(ValueError, match=r"Mute\.size: say in a docstring below the field what it is for"):
        generate.stages_page({"mute": Mute})


def test_exit_codes_are_those_of_the_errors(generate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "| 3 | an exported file that does not do what the model does |" in generate.exit_codes()
    assert [
        line.split("|")[1].strip() for line in generate.exit_codes().splitlines()[2:]
    ] == "0 1 2 3 4 5 6 130".split()
    monkeypatch.setattr(generate.errors.GateError, "exit_code", 9)
    with pytest.raises(ValueError, match=r"draws GateError with exit code 3, the class says otherwise"):
        generate.exit_codes()


def test_a_part_stands_between_its_marks_and_replacing_it_again_changes_nothing(generate: ModuleType) -> None:
    text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    once = generate.replaced(text, "x", "new\n")
    assert once == "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n"
    assert generate.replaced(once, "x", "new\n") == once
    with pytest.raises(ValueError, match=r"expected <!-- y --> and <!-- end of y --> once each"):
        generate.replaced(text, "y", "new")


def test_every_module_is_in_the_file_map_with_a_phrase(generate: ModuleType, tmp_path: Path) -> None:
    page = generate.map_page()
    lines = [line for line in page.splitlines() if line.startswith("- `")]
    shown = {line.split("`")[1] for line in lines}
    assert len(shown) == len(lines)
    assert "edgeenc/errors.py" in shown
    assert {path.relative_to(ROOT).as_posix().removesuffix("__init__.py") for path in generate.mapped()} <= shown
    assert all(len(line.split("`: ", 1)[1]) > 10 for line in lines)
    assert [line for line in lines if line.split("`")[1].endswith("/")] == lines[: len(generate.FOLDERS) + packages()]
    script = tmp_path / "x.sh"
    script.write_text("#!/usr/bin/env bash\n# Say it.\n# More.\n", "utf-8")
    assert generate.phrase(script) == "Say it"


def packages() -> int:
    return len(list((ROOT / "edgeenc").rglob("__init__.py")))


def test_a_cell_of_the_results_is_found_by_its_row_and_column(generate: ModuleType) -> None:
    generate.documents()  # which makes the modules beside it importable
    from front import cell, figures, tables  # pyright: ignore[reportMissingImports]

    page = "# A\n\n| a | b |\n| --- | --- |\n| x | 1 |\n\nwords\n\n| a | c | d |\n| --- | --- | --- |\n| x | y | 2 |\n"
    found = list(tables(page))
    assert found == [[["a", "b"], ["x", "1"]], [["a", "c", "d"], ["x", "y", "2"]]]
    assert cell(found, ["x"], "b") == "1"
    assert cell(found, ["x", "y"], "d") == "2"
    with pytest.raises(ValueError, match=r"no table has a row x \| z and a column 'd'"):
        cell(found, ["x", "z"], "d")
    results = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert figures(results) in (ROOT / "README.md").read_text("utf-8")


def test_the_readme_is_read_in_one_sitting_and_has_its_two_commands() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 120
    assert {"pip install . && edgeenc build --lang tl --target onnx", "pip install '.[dev]' && pytest"} <= set(lines)


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda path: path.name)
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


def commands(path: Path) -> list[list[str]]:
    """Return every command line of ours in the code of a page, in its words."""
    text = path.read_text("utf-8")
    code = [line for block in re.findall(r"```[a-z]*\n(.*?)```", text, flags=re.DOTALL) for line in block.splitlines()]
    code += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [line.replace("...", "").split() for line in code if line.startswith("edgeenc ")]


@pytest.mark.parametrize("path", [ROOT / "README.md", *ROOT.glob("docs/*.md")], ids=lambda path: path.name)
def test_commands_in_documents_have_the_options_that_they_are_shown_with(path: Path) -> None:
    from edgeenc.cli import cli

    for words in [words for words in commands(path) if not words[1].startswith("[")]:
        command: click.Command = cli
        for word in words[1:]:
            if not isinstance(command, click.Group) or word.startswith("-"):
                break
            assert word in command.commands, " ".join(words)
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
        asked = {word.split("=")[0] for word in words if word.startswith("-")}
        assert asked <= known, " ".join(words)


def test_the_index_names_every_document() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert [name for name in sorted(pages) if f"]({name})" not in index] == []
