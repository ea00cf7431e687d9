"""Count what the laws of the house bound: `TypedDict` classes, string subscripts, unchecked casts, branches on kinds.

    python benchmarks/house_counts.py [FOLDER]     # default: the package beside this folder

Prints one line a count, and the files with the most string subscripts. Everything is read from the syntax tree, so
that words in comments and sentences do not count. A string subscript is `value["name"]` in code that runs; the same
form in an annotation (`Literal["a"]`) is none.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "edgeenc"
TYPES = {"Literal", "Annotated", "TypeVar", "Callable", "type"}
SHOWN = 10


def typed_dicts(tree: ast.AST) -> int:
    """Count the classes that are a `TypedDict`, by themselves or through a base in the same file."""
    known = {"TypedDict"}
    found = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in known for b in node.bases):
            known.add(node.name)
            found += 1
    return found


def _of_type(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in TYPES


def string_subscripts(tree: ast.AST) -> int:
    """Count `value["name"]`, reads and writes alike."""
    return sum(
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and not _of_type(node.value)
        for node in ast.walk(tree)
    )


def casts(tree: ast.AST) -> int:
    """Count the calls of `cast`."""
    return sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast"
        for node in ast.walk(tree)
    )


def modules(folder: Path) -> Iterator[tuple[str, str, ast.Module]]:
    """Yield path, text and syntax tree of every module."""
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text("utf-8")
        yield path.relative_to(folder).as_posix(), text, ast.parse(text)


def main() -> None:
    """Print the counts."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE
    lines = dicts = cast_calls = files = 0
    subscripts: Counter[str] = Counter()
    for name, text, tree in modules(folder):
        files += 1
        lines += len(text.splitlines())
        dicts += typed_dicts(tree)
        cast_calls += casts(tree)
        subscripts[name] = string_subscripts(tree)
    total = subscripts.total()
    print(f"files {files}, at the package's top {len(list(folder.glob('*.py')))}")
    print(f"lines {lines}")
    print(f"TypedDict classes {dicts}")
    print(f"string subscripts {total}, {1000 * total / lines:.1f} per 1,000 lines")
    print(f"casts {cast_calls}")
    for name, count in subscripts.most_common(SHOWN):
        print(f"  {count:4} {name}")


if __name__ == "__main__":
    main()
