"""The rules of the house, read from the source: levels, sizes, names, signatures, what `--help` loads, documents."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import edgeenc
from edgeenc.model.families import families
from edgeenc.model.purpose import purposes
from edgeenc.recipe import stage_kinds
from edgeenc.steps.line.step_kind import step_kinds
from edgeenc.targets.target import targets
from edgeenc.tasks.task_kind import task_kinds

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "edgeenc"
FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LEVELS = (
    *(
        "errors",
        "kinds",
        "record",
        "machine",
        "language",
        "store",
        "text",
        "model",
        "stages",
        "training_loop",
        "sources",
    ),
    *("targets", "tasks", "compress", "bench", "recipe", "report", "bundle"),
    *("planned", "steps", "pipeline", "asked", "screen", "cli", "__main__"),
)
"""Folders, and the modules at the package's top, the lowest first: each knows only those before it."""

MOST_AT_THE_TOP = 9
"""Modules of the package itself, without `__init__` and `__main__`."""

MOST_SUBSCRIPTS = 8
"""Of strings, as in `x["name"]`, per 1,000 lines of the package."""

CASTS = {
    "sources/texts.py": 2,  # what `datasets` returns: its own signatures say less than its documents
    "targets/onnx_file/export.py": 2,  # what transformers and optimum return, untyped
}
"""Every `cast`: of what another library returned, never of a file that was read."""

MOST_LINES = 400
MOST_ARGUMENTS = 6
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
HEAVY = {
    "torch",
    "transformers",
    "numpy",
    "pydantic",
    "optimum",
    "onnx",
    "onnxruntime",
    "datasets",
    "tokenizers",
    "pyarrow",
    "scipy",
    "seqeval",
    "sklearn",
}
NOT_IMPORTED = {
    "datasets": "part of the installation that users were promised",
    "language-data": "langcodes reads its tables",
    "optimum-onnx": "a part of the namespace optimum",
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Yield the absolute names that a file imports anywhere, in functions too; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno}: a relative import; write it in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def level(name: str) -> int:
    """Return the level of a module of ours: that of its folder, or its own at the top."""
    own = name.split(".")[1]
    assert own in LEVELS, f"{name}: give `{own}` a level in tests/test_rules.py"
    return LEVELS.index(own)


MODULES = {module(path) for path in FILES}


def graph() -> dict[str, set[str]]:
    """Return every module with the modules of ours that it imports; the package's own version belongs to nobody."""
    edges = {}
    for path in FILES:
        names = (name for name in imported(path) if name.startswith("edgeenc."))
        targets = {name if name in MODULES else name.rpartition(".")[0] for name in names}
        edges[module(path)] = targets - {"edgeenc", module(path)}
    return edges


def test_a_folder_knows_only_folders_below_it() -> None:
    edges = graph()
    assert "edgeenc.errors" in edges["edgeenc.model.encoder"]  # the reading itself works
    wrong = [
        f"{source} imports {target}"
        for source, targets in edges.items()
        for target in targets
        if source != "edgeenc" and level(source) < level(target)
    ]
    assert wrong == []


def names_of_kinds() -> tuple[set[str], set[str], set[str]]:
    """Return names that stand for nothing else, those that are also words (`tag`), and those of kinds of steps."""
    made = [precision for target in targets() for precision in target.precisions]
    known = {one.name for one in (*families(), *purposes(), *targets(), *made)}
    kinds = {kind.name for kind in task_kinds()} | set(stage_kinds())
    return known, kinds, set(step_kinds())


OF_TARGETS = ("targets/onnx.py", "targets/onnx_file/")
"""The files of a target, which alone have its name, and those of its precisions, in names of their own."""


def names_of_targets() -> set[str]:
    return {name for target in targets() for name in (target.name, *target.names)}


def constants(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts that a node is, or that a tuple, list or set of them has."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        for one in node.elts:
            yield from constants(one)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node


def asked_by_name(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name wherever a file asks which of the registered values something is."""
    known, kinds, steps = names_of_kinds()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        found, names = list[ast.Constant](), known
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = (left, *others)
                found = [one for side in sides for one in constants(side)]
                of_kind = any(isinstance(side, ast.Attribute) and side.attr == "kind" for side in sides)
                names = known | kinds | (steps if of_kind else set())
            case ast.Dict(keys=keys):
                found = [one for key in keys if key is not None for one in constants(key)]
            case ast.Subscript(value=ast.Name(id="Literal")):
                continue  # a type: it names what may be, and asks nothing
            case ast.Subscript(slice=place):
                found = list(constants(place))
            case ast.MatchValue(value=value):
                found, names = list(constants(value)), known | kinds | steps
        yield from ((one.lineno, str(one.value)) for one in found if one.value in names)


def named_after_a_target(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of every attribute and field called after a target or a precision, and of such imports."""
    made = names_of_targets()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id="np" | "torch")):
                continue  # a type of numbers
            case ast.Attribute(attr=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names = [name] if made.intersection(name.lower().split("_")) else []
            case ast.ImportFrom(module=str(origin), names=aliases) if origin.startswith("edgeenc.targets."):
                names = [one.name for one in aliases if one.name.lower() in made]
            case _:
                continue
        yield from ((node.lineno, one) for one in names)


def test_no_attribute_is_called_after_a_target_or_a_precision(tmp_path: Path) -> None:
    """Those have names of their own in their own files alone: whoever else has such a slot has none for another."""
    slots = ("sizes.int8", "sizes.teacher_fp32 = 1", "found.onnx", "fp32: int", "from edgeenc.targets.onnx import INT8")
    allowed = ("np.int8", "one.onnxruntime", "import onnx", "from edgeenc.targets.onnx import open_file", "fp32 = 4")
    (tmp_path / "source.py").write_text("\n".join([*slots, *allowed]))
    assert sorted(line for line, _ in named_after_a_target(tmp_path / "source.py")) == list(range(1, len(slots) + 1))
    elsewhere = [path for path in FILES if not path.relative_to(PACKAGE).as_posix().startswith(OF_TARGETS)]
    found = [f"{relative(path)}:{line}: {name}" for path in elsewhere for line, name in named_after_a_target(path)]
    assert found == []


def test_nobody_asks_which_family_purpose_target_or_kind_it_is(tmp_path: Path) -> None:
    """Each says everything about itself in its own file; elsewhere its name is no key and no condition."""
    asking = (
        'x == "trim-vocab"',
        'x == "bert"',
        'x in ("a", "int8")',
        '{"onnx": 1}',
        'x["fp32"]',
        'step.kind == "score"',
        'x != "tag"',
        'x == "trim-vocab"',
    )
    allowed = ('x == "a"', 'Literal["fp32"]', 'Role(precision="fp32")', 'x == "score"', '{"tag": 1}', 'x["tag"]')
    (tmp_path / "source.py").write_text("\n".join([*asking, *allowed]))
    assert [line for line, _ in asked_by_name(tmp_path / "source.py")] == list(range(1, len(asking) + 1))
    found = [f"{relative(path)}:{line}: {name}" for path in FILES for line, name in asked_by_name(path)]
    assert found == []


@pytest.fixture(scope="module")
def counts() -> ModuleType:
    """Return the script that prints these counts for LOG.md."""
    spec = importlib.util.spec_from_file_location("house_counts", ROOT / "benchmarks" / "house_counts.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_what_was_measured_is_a_typed_value(counts: ModuleType) -> None:
    """No dictionary that only claims its fields, few strings as keys, no file that is taken for what it should be."""
    planted = 'class A(TypedDict):\n    a: int\nclass B(A):\n    b: int\nx["a"] = cast("B", y["b"])\nz: Literal["a"]\n'
    tree = ast.parse(planted)
    assert (counts.typed_dicts(tree), counts.string_subscripts(tree), counts.casts(tree)) == (2, 2, 1)
    every = list(counts.modules(PACKAGE))
    assert len(every) == len(FILES)
    assert [name for name, text, _ in every if "TypedDict" in text] == []
    lines = sum(len(text.splitlines()) for _, text, _ in every)
    assert 1000 * sum(counts.string_subscripts(tree) for _, _, tree in every) / lines < MOST_SUBSCRIPTS
    assert {name: found for name, _, tree in every if (found := counts.casts(tree))} == CASTS


def test_no_two_files_and_no_two_classes_have_one_name() -> None:
    """But for commands and kinds of steps, whose files bear their names, and the two files of a stage."""
    stages = {path.stem for path in FILES if path.parent == PACKAGE / "stages"}
    files, classes = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for path in FILES:
        folder = path.parent.relative_to(PACKAGE).as_posix()
        a_stage = folder == "compress" and path.stem in stages
        if path.stem != "__init__" and folder not in ("cli", "steps") and not a_stage:
            files[path.stem].append(relative(path))
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                classes[node.name].append(f"{relative(path)}:{node.lineno}")
    assert "onnx_runtime" in files and "Plan" in classes  # the reading itself works
    assert {name: found for name, found in (files | classes).items() if len(found) > 1} == {}


def test_few_modules_lie_at_the_top() -> None:
    assert len(set(PACKAGE.glob("*.py")) - {PACKAGE / "__init__.py", PACKAGE / "__main__.py"}) <= MOST_AT_THE_TOP


def test_no_import_goes_in_a_circle() -> None:
    edges, done = graph(), set[str]()
    while ready := {name for name, targets in edges.items() if name not in done and targets <= done}:
        done |= ready
    assert sorted(set(edges) - done) == []


def test_every_package_that_is_imported_is_declared_and_the_other_way_round() -> None:
    names = (
        {name.split(".")[0] for path in FILES for name in imported(path)} - set(sys.stdlib_module_names) - {"edgeenc"}
    )
    found = {canonicalize_name({"yaml": "pyyaml", "sklearn": "scikit-learn"}.get(name, name)) for name in names}
    declared = {canonicalize_name(requirement.name) for requirement in dependencies()}
    tried = {canonicalize_name(requirement.name) for requirement in dependencies("dev")}
    assert found - declared <= tried  # libraries that a gate runs where they are installed
    assert declared - found <= set(NOT_IMPORTED)


def dependencies(extra: str | None = None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [
        Requirement(line) for line in (project["optional-dependencies"][extra] if extra else project["dependencies"])
    ]


def test_every_dependency_has_two_bounds_and_a_pin_between_them() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    assert list(pins) == sorted(pins)
    for requirement in dependencies() + dependencies("dev"):
        pin = pins[canonicalize_name(requirement.name)]
        assert pin in requirement.specifier, f"{requirement}: constraints.txt has {pin}"
        assert any(bound.operator in ("<", "==") for bound in requirement.specifier), f"{requirement}: no upper bound"


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=relative)
def test_files_are_short_and_have_names_that_say_something(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert EMPTY_NAMES.isdisjoint(re.split(r"[_.]", path.stem))
    classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
    for node in classes:
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", node.name)}
        assert EMPTY_NAMES.isdisjoint(words), f"{relative(path)}:{node.lineno}: {node.name}"
    assert "from __future__ import annotations" in text or not (classes or list(functions(path)))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_signatures_are_short_and_say_what_they_take(path: Path) -> None:
    for node in functions(path):
        name = getattr(node, "name", "lambda")
        place = f"{relative(path)}:{node.lineno}: {name}"
        assert node.args.kwarg is None, f"{place} takes **{node.args.kwarg and node.args.kwarg.arg}"
        taken = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
        taken = taken[1:] if taken[:1] in (["self"], ["cls"]) else taken
        assert len(taken) <= MOST_ARGUMENTS or is_command(node), f"{place} takes {len(taken)} arguments"


def is_command(node: ast.AST) -> bool:
    """Tell whether click calls this function: it hands over one argument an option, and users see them as flags."""
    decorators = [item.func for item in getattr(node, "decorator_list", []) if isinstance(item, ast.Call)]
    return any(isinstance(item, ast.Attribute) and item.attr in ("command", "group") for item in decorators)


def test_the_linter_counts_to_the_same_number() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]
    assert ruff["lint"]["pylint"]["max-args"] == MOST_ARGUMENTS


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import json, sys\n"
        f"sys.argv = ['edgeenc', *{arguments!r}]\n"
        "from edgeenc.cli import main\n"
        "try:\n    code = main()\nexcept SystemExit as end:\n    code = end.code\n"
        "print()\nprint(json.dumps([code, sorted(sys.modules)]))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    code, modules = json.loads(run.stdout.splitlines()[-1])
    assert code in (0, None)
    assert "edgeenc.cli" in modules
    assert "edgeenc" in run.stdout
    assert sorted(HEAVY & {name.split(".")[0] for name in modules}) == []


def test_the_changelog_names_this_version() -> None:
    headings = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    assert headings[0] == edgeenc.__version__


def shipped() -> list[Path]:
    folders = [ROOT / name for name in (".ci", "benchmarks", "docs", "edgeenc", "recipes", "tests")]
    kinds = {"", ".py", ".md", ".sh", ".yaml", ".json", ".toml", ".txt", ".html"}
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix in kinds]
    return sorted(files + [path for path in ROOT.iterdir() if path.is_file()])


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    folders = r"(?<![\w./])/(?:root|work)/|\.library/|/shared/|file:" + "//"
    registries = "|".join([r"pypi\.", r"pythonhosted\.", r"download\.pytorch\.", r"npmjs\.", r"ghcr\."])
    pattern = re.compile(f"{folders}|{registries}")
    skipped = {Path(__file__).name, "tokenizer.json", ".git"}  # a worktree has a file of this name
    files = [path for path in shipped() if path.name not in skipped]
    assert len(files) > 40
    found = {
        relative(path): match.group() for path in files if (match := pattern.search(path.read_text("utf-8", "replace")))
    }
    assert found == {}


def test_contributing_is_read_in_one_sitting() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 80
