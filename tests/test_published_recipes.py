"""The recipes of both papers, and our own for the same teachers: numbers to the unit, choices as published."""

from __future__ import annotations

import pytest

from edgeenc.compress.distill import Distill
from edgeenc.compress.drop_layers import DropLayers
from edgeenc.compress.truncate_hidden import TruncateHidden
from edgeenc.model.published import published_shape
from edgeenc.model.shape import Shape
from edgeenc.recipe import Recipe, load_recipe

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
    """Layers by another rule for each teacher; MSE on all positions, half and half; imitating the pruned model."""
    stages = load_recipe(name).stages
    kinds = ["adapt", "drop-layers", "distill", "prune-ffn", "truncate-hidden", "distill", "trim-vocab"]
    assert [stage.kind for stage in stages] == kinds
    layers, narrow = stages[1], stages[4]
    assert isinstance(layers, DropLayers) and layers.rule == ("stride" if "xlmr" in name else "last-k")
    assert isinstance(narrow, TruncateHidden) and narrow.method == "leading"
    for stage, teacher in ((stages[2], "adapt"), (stages[5], "prune-ffn")):
        assert isinstance(stage, Distill)
        assert (stage.teacher, stage.loss, stage.alpha, stage.positions) == (teacher, "mse", 0.5, "all")
        assert (stage.mask_rate, stage.mask, stage.lr, stage.decay) == (0.15, "pieces", 5e-5, 1)
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
