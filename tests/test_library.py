"""`import edgeenc`: its names, what they cost, the examples of docs/library.md, and bundles that are called."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from line import make_world
from tokenizers import Tokenizer

import edgeenc
from edgeenc.bundle.load import Bundle, load_bundle
from edgeenc.errors import InputError, UsageError
from edgeenc.model.answers import Answer, Guess, ReadText
from edgeenc.model.encoder import Encoder
from edgeenc.model.purpose import Purpose, purpose_named
from edgeenc.targets.sessions.session import Ids, Output

ROOT = Path(__file__).resolve().parent.parent


def imports() -> dict[str, tuple[str, str]]:
    """Return what a type checker reads: each public name with its module and its name there."""
    tree = ast.parse((ROOT / "edgeenc" / "__init__.py").read_text("utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != "__future__"]
    names = [(node.module or "", alias) for node in found for alias in node.names if alias.name != "TYPE_CHECKING"]
    return {alias.asname or alias.name: (module, alias.name) for module, alias in names}


def fresh(script: str) -> str:
    """Run a script in a process of its own and return the last line that it printed."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_every_public_name_is_what_its_import_says() -> None:
    assert {*imports(), "__version__"} == set(edgeenc.__all__)
    for name, (module, own) in imports().items():
        __import__(module)
        assert getattr(edgeenc, name) is getattr(sys.modules[module], own), name
    assert set(edgeenc.__all__) <= set(dir(edgeenc))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'edgeenc' has no attribute 'destill'"):
        edgeenc.destill  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_no_module_takes_the_place_of_a_public_name_whatever_was_imported_before() -> None:
    """Python puts a module of the package into the package's namespace as soon as anybody imports it."""
    modules = {path.stem for path in (ROOT / "edgeenc").iterdir()}
    assert modules.isdisjoint(edgeenc.__all__)
    script = (
        "import importlib, json, pkgutil, edgeenc\n"
        "for module in pkgutil.walk_packages(edgeenc.__path__, 'edgeenc.'):\n"
        "    if not module.name.endswith(('__main__', '_process')): importlib.import_module(module.name)\n"
        "print(json.dumps({name: type(getattr(edgeenc, name)).__name__ for name in edgeenc.__all__}))"
    )
    assert "module" not in json.loads(fresh(script)).values()


def test_importing_the_package_loads_nothing_of_it_nor_of_others() -> None:
    script = "import sys; before = set(sys.modules); import edgeenc; print(sorted(set(sys.modules) - before))"
    loaded = set(ast.literal_eval(fresh(script)))
    assert [name for name in loaded if name.startswith("edgeenc")] == ["edgeenc"]
    assert {name.split(".")[0] for name in loaded} <= {"edgeenc", *sys.stdlib_module_names}


@pytest.mark.export
def test_the_examples_run_from_top_to_bottom(
    tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tiny_encoder, sentences, tmp_path)
    world.recipe.rename(tmp_path / "my.yaml")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 9
    names: dict[str, object] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/library.md, example {number + 1}", "exec"), names)
    student, teacher = names["student"], names["teacher"]
    assert isinstance(student, Encoder)
    assert isinstance(teacher, Encoder)
    assert student.shape.parameters < teacher.shape.parameters / 2
    bundle, raw = names["bundle"], names["raw"]
    assert isinstance(bundle, Bundle)
    assert isinstance(raw, ReadText)
    assert raw.output.shape == (len(raw.ids), 24)
    golden = json.loads((tmp_path / "ilo" / "golden.jsonl").read_text("utf-8").splitlines()[0])
    again = bundle.read([golden["text"]])[0]
    assert list(again.ids) == golden["ids"]
    np.testing.assert_allclose(again.output[0, :8], golden["output"], atol=1e-6)
    first = names["first"]
    assert isinstance(first, np.ndarray)
    np.testing.assert_allclose(first, vector(bundle("Naimbag a bigat.")[0]), atol=0.2)
    (tmp_path / "ilo" / "golden.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"golden\.jsonl has 3 bytes"):
        load_bundle(tmp_path / "ilo")


class Told:
    """A session whose output is a function of the ids."""

    def __init__(self, purpose: Purpose, output: Callable[[Ids, Ids], Output]) -> None:
        self.purpose, self.output = purpose, output

    def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
        return self.output(ids_BT, attend_BT)


def told(purpose: str, tokenizer: Tokenizer, output: Callable[[Ids, Ids], Output], longest: int = 12) -> Bundle:
    """Return a bundle with labels `x` and `y` whose session is told what to say."""
    cutting = Tokenizer.from_str(tokenizer.to_str())
    cutting.enable_truncation(longest)
    return Bundle(Path(), cutting, Told(purpose_named(purpose), output), ("x", "y"))


def vector(answer: Answer) -> np.ndarray:
    assert isinstance(answer, np.ndarray)
    return answer


def guesses(answer: Answer) -> tuple[Guess, ...]:
    assert isinstance(answer, tuple)
    return answer


def thirds(ids_BT: Ids) -> Output:
    """Return logits (B, T, 2) that give y three quarters where an id is odd, and x where it is even."""
    odd = (ids_BT % 2 == 1)[..., None]
    return np.where(odd, [0, np.log(3)], [np.log(3), 0]).astype(np.float32)


def test_an_encoder_gives_the_mean_of_the_hidden_states_whatever_the_padding(tiny_encoder: Encoder) -> None:
    bundle = told("feature-extraction", tiny_encoder.tokenizer, lambda ids_BT, _: ids_BT[..., None].astype(np.float32))
    texts = ["Ang aso ay natutulog.", "Ang"]
    for text, answer in zip(texts, bundle(texts), strict=True):
        ids = bundle.tokenizer.encode(text).ids
        np.testing.assert_allclose(vector(answer), [np.mean(ids)])
    assert bundle([]) == []


def test_a_classifier_gives_every_label_with_its_probability(tiny_encoder: Encoder) -> None:
    bundle = told("text-classification", tiny_encoder.tokenizer, lambda ids_BT, _: thirds(ids_BT[:, :1])[:, 0])
    odd = bool(tiny_encoder.tokenizer.token_to_id("[CLS]") % 2)
    answer = guesses(bundle("Ang aso")[0])
    assert [guess.label for guess in answer] == (["y", "x"] if odd else ["x", "y"])
    np.testing.assert_allclose([guess.probability for guess in answer], [0.75, 0.25], atol=1e-6)


def test_a_tagger_gives_a_tag_for_each_word_and_none_where_the_text_was_too_long(tiny_encoder: Encoder) -> None:
    tokenizer = tiny_encoder.tokenizer
    bundle = told("token-classification", tokenizer, lambda ids_BT, _: thirds(ids_BT), longest=6)
    answer = guesses(bundle(["Ang aso ay natutulog sa ilalim ng mesa."])[0])
    assert [guess.word for guess in answer] == ["Ang", "aso", "ay", "natutulog", "sa", "ilalim", "ng", "mesa."]
    first = tokenizer.encode("Ang").ids[1]
    assert answer[0].label == ("y" if first % 2 else "x")
    assert answer[-1] == Guess("", 0.0, "mesa.")


def test_a_masked_lm_gives_the_likeliest_tokens_for_its_one_mask(tiny_encoder: Encoder) -> None:
    tokenizer, size = tiny_encoder.tokenizer, tiny_encoder.tokenizer.get_vocab_size()

    def logits(ids_BT: Ids, _: Ids) -> Output:
        """At each place the id of the token there is the likeliest, then the one before it, and so on."""
        away = np.abs(np.arange(size) - ids_BT[..., None] + 0.25)
        return (-10 * away).astype(np.float32)

    bundle = told("fill-mask", tokenizer, logits)
    answer = guesses(bundle("Ang [MASK] ay natutulog.")[0])
    assert answer[0].label == "[MASK]"
    assert len(answer) == 5
    assert answer[0].probability > 0.9
    with pytest.raises(UsageError, match=re.escape("a text with one [MASK] is expected, found 0 in 'Ang aso'")):
        bundle("Ang aso")


def test_a_precision_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"")
    monkeypatch.setattr("edgeenc.bundle.load.check", lambda _: {})
    with pytest.raises(InputError, match="has no file of precision int8; build it again"):
        load_bundle(tmp_path, "int8")


def test_what_a_flag_could_not_ask_for_is_refused_from_python_too() -> None:
    for ask, words in (
        (edgeenc.Ask("tl", export_task="token-classification"), "'token-classification' needs labels, so a task"),
        (edgeenc.Ask("tl", export_task="poetry"), "export task 'poetry' is not known; known are: feature-extraction"),
        (edgeenc.Ask("tl", target="coreml"), "target 'coreml' is not known; known are: onnx"),
    ):
        with pytest.raises(UsageError, match=re.escape(words)):
            edgeenc.plan(ask)
