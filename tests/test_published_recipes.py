"""The recipes of both papers, and our own for the same teachers: numbers to the unit, choices as published."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from line import make_world

from edgeenc.errors import RecipeError
from edgeenc.language import resolve
from edgeenc.machine.runtime import Runtime
from edgeenc.model.encoder import Encoder
from edgeenc.model.published import published_shape
from edgeenc.model.shape import Shape
from edgeenc.planned import Request
from edgeenc.recipe import Recipe, load_recipe, parse_recipe
from edgeenc.stages.distill import Distill
from edgeenc.stages.drop_layers import DropLayers
from edgeenc.stages.truncate_hidden import TruncateHidden
from edgeenc.steps.line.make import make_plan
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.task import open_task
from edgeenc.text.mixture import Text

MBERT = (177_974_523, 177_974_523, 135_447_291, 135_447_291, 126_003_963)
XLM_R = (278_295_186, 278_295_186, 235_767_954, 235_767_954, 226_324_626)
"""The teacher; adapted; half its layers; distilled; pruned."""
PARAMETERS = {
    "paper-mbert-564": [*MBERT, 89_692_779, 89_692_779, 44_748_724],
    "paper-mbert-456": [*MBERT, 71_311_611, 71_311_611, 34_958_632],
    "paper-mbert-312": [*MBERT, 47_710_587, 47_710_587, 22_812_376],
    "paper-xlmr-564": [*XLM_R, 163_400_418, 163_400_418, 44_749_288],
    "paper-xlmr-456": [*XLM_R, 130_930_002, 130_930_002, 34_959_088],
    "paper-xlmr-312": [*XLM_R, 88_543_314, 88_543_314, 22_812_688],
    "tagalog-base": [177_974_523, 177_974_523, 135_447_291, 135_447_291],
    "tagalog-tiny": [177_974_523, 177_974_523, 121_271_547, 109_762_491, 42_246_219, 42_246_219],
    "trim-only": [177_974_523, 177_974_523 - (119_547 - 40_000) * 769],
}
"""Of the teacher, and after each stage."""
SMALL = ("mbert-small", "xlmr-small")
PUBLISHED = [name for name in PARAMETERS if name.startswith("paper-")]


def shapes(recipe: Recipe) -> list[Shape]:
    """Return the shapes of the teacher and of what each stage makes."""
    shape = published_shape(recipe.teacher)
    assert shape is not None, f"{recipe.name}: the teacher's commit is not a known one"
    made, found = {"teacher": shape}, [shape]
    for stage in recipe.stages:
        shape = stage.reshape(shape)
        stage.agree(shape, {name: made[name] for name in stage.reads})
        made[stage.label] = shape
        found.append(shape)
    return found


@pytest.mark.parametrize("name", list(PARAMETERS))
def test_parameters_after_every_stage(name: str) -> None:
    assert [shape.parameters for shape in shapes(load_recipe(name))] == PARAMETERS[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_first_paper_s_order_and_choices(name: str) -> None:
    """Layers by another rule for each teacher; MSE on all positions, half and half; distilled from the pruned model."""
    stages = load_recipe(name).stages
    kinds = ["adapt", "drop-layers", "distill", "prune-ffn", "truncate-hidden", "distill", "trim-vocab"]
    assert [stage.kind for stage in stages] == kinds
    layers, narrow = stages[1], stages[4]
    assert isinstance(layers, DropLayers) and layers.rule == ("stride" if "xlmr" in name else "last-k")
    assert isinstance(narrow, TruncateHidden) and narrow.method == "leading"
    for stage, teacher in ((stages[2], "adapt"), (stages[5], "prune-ffn")):
        assert isinstance(stage, Distill)
        assert (stage.teacher, stage.loss, stage.alpha, stage.positions) == (teacher, "mse", 0.5, "all")
        assert (stage.mlm_probability, stage.mask, stage.lr, stage.decay_ratio) == (0.15, "tokens", 5e-5, 1)
        assert stage.tokens == 125_000 * 8 * 512


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_first_paper_s_heads(name: str) -> None:
    last = shapes(load_recipe(name))[-1]
    assert (last.heads, last.head_width) == (12, {564: 47, 456: 38, 312: 26}[last.hidden])
    assert (last.layers, last.ffn, last.vocab) == (6, 2048, 40_000)


@pytest.mark.parametrize(
    ("name", "layers", "hidden", "ffn"), [("tagalog-base", 6, 768, 3072), ("tagalog-tiny", 4, 312, 1200)]
)
def test_the_second_paper_s_students(name: str, layers: int, hidden: int, ffn: int) -> None:
    recipe = load_recipe(name)
    last, stage = shapes(recipe)[-1], recipe.stages[-1]
    assert (last.layers, last.hidden, last.ffn, last.heads, last.vocab) == (layers, hidden, ffn, 12, 119_547)
    assert isinstance(stage, Distill) and (stage.teacher, stage.loss) == ("adapt", "kl") and 0 < stage.alpha < 1


@pytest.mark.parametrize("name", SMALL)
def test_our_own_trim_first_and_keep_to_widths_in_eights(name: str) -> None:
    recipe = load_recipe(name)
    found = shapes(recipe)
    assert recipe.stages[0].kind == "trim-vocab"
    assert all(
        size % 8 == 0 for shape in found[1:] for size in (shape.hidden, shape.head_width, shape.ffn, shape.vocab)
    )
    assert found[-1].head_width == found[0].head_width == 64
    assert found[-1].parameters < found[0].parameters / 7


@pytest.mark.parametrize("name", ["tagalog-base", "tagalog-tiny"])
def test_the_second_paper_s_tuning(name: str) -> None:
    tuning = load_recipe(name).fine_tuning
    assert (tuning.method, tuning.pooling, tuning.lr, tuning.epochs) == ("full", "cls", 2e-5, 3)
    assert (tuning.batch_size, tuning.max_length, tuning.teacher_lr, tuning.seeds) == (32, 512, None, (1, 2, 3))


def test_a_preset_is_named_like_any_field_and_what_is_written_besides_wins() -> None:
    """arXiv:2505.16956: adapters of reduction factor 16; of texts 20 epochs of 16 at 1e-4. The defaults are our own."""
    recipe = yaml.safe_load(load_recipe("starter").to_yaml())
    of = lambda tuning: parse_recipe({**recipe, "fine_tuning": tuning}, "x").fine_tuning  # noqa: E731
    published = of({"preset": "adapter-published"})
    assert (published.method, published.placement, published.reduction_factor) == ("adapter", "sequential", 16)
    assert (published.lr, published.epochs, published.batch_size, published.max_length) == (1e-4, 20, 16, 256)
    words = of({"preset": "adapter-published", "lr": 3e-4, "epochs": 100})
    assert (words.lr, words.epochs, words.batch_size, words.placement) == (3e-4, 100, 16, "sequential")
    assert of(published.model_dump(mode="json")) == published
    plain = of({})
    assert (plain.method, plain.pooling, plain.lr, plain.epochs) == ("full", "mean", 3e-4, 10)
    with pytest.raises(RecipeError, match=r"fine_tuning\.preset: input should be '', 'full-published' or"):
        of({"preset": "published"})


def test_what_a_method_does_not_read_is_in_no_key(
    tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    """A preset is what it stands for; where bottlenecks lie matters where there are some."""
    world = make_world(tiny_encoder, sentences, tmp_path)
    task = open_task(TaskSpec(name="t", data=str(world.folder / "reviews.csv")), seed=0)
    fields = yaml.safe_load(world.recipe.read_text())
    written = {"method": "full", "pooling": "cls", "head_start": "random", "lr": 2e-5, "epochs": 3}
    written |= {"batch_size": 32, "max_length": 512}

    def key(tuning: dict[str, object]) -> str:
        recipe = parse_recipe({**fields, "fine_tuning": tuning}, "tiny")
        text = Text(resolve("ilo"), world.corpus)
        request = Request(recipe, world.teacher, "t", (text,), purpose=task.data.kind.purpose, task_data=task)
        return make_plan(request, Runtime()).step("tune:student:1").key

    assert key({"preset": "full-published"}) == key(written) == key({**written, "placement": "sequential"})
    assert key({**written, "method": "adapter"}) != key({**written, "method": "adapter", "placement": "sequential"})
