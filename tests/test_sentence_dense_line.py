"""Dense modules of sentence vectors in whole builds: what a plan says of them is what is built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from line import World, edgeenc, make_world
from safetensors.torch import load_file
from sentences import publish

from edgeenc.model.encoder import Encoder

pytestmark = pytest.mark.export

LAYERS = "{kind: drop-layers, layers: 2, rule: stride}"
SHORT = "teacher: teacher, tokens: 2000, batch_size: 8, max_length: 32, evaluations: 1"
LEARN = f"{{kind: distill-sentences, {SHORT}, projection: learned}}"
SIMILAR = f"{{name: cut, kind: distill-sentences, {SHORT}, dimensions: 8}}"
NARROW = "{kind: truncate-hidden, hidden_size: 24, method: pca}"


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))


def asked_for(published: str, stages: tuple[str, ...], sentences: tuple[str, ...], folder: Path) -> list[str]:
    """Return the arguments of a build of these stages from a teacher as it is published."""
    lines = "".join(f"  - {stage}\n" for stage in stages)
    (folder / "own.yaml").write_text(
        f"name: own\nteacher: {publish(published, sentences, folder / 'own')}\npurpose: sentence-embedding\n"
        f"stages:\n{lines}bounds: {{mean_cosine: 0.1, worst_cosine: -1.0}}\n"
    )
    asked = ["--lang", "ilo", "--corpus", str(folder / "corpus.txt"), "--recipe", str(folder / "own.yaml")]
    return [*asked, "--store", str(folder / "store"), "--threads", "1"]


@pytest.mark.parametrize(
    ("published", "stages", "dense"),
    [
        ("e5", (LAYERS,), 0),
        ("e5", (LAYERS, LEARN), 32 * 32),
        ("e5", (NARROW, LEARN), 24 * 32),
        ("e5", (NARROW, LEARN.replace("learned", "learned, ship_projection: false")), 0),
        ("minilm", (LAYERS, SIMILAR), 32 * 8),
        ("labse", (LAYERS,), 33 * 32),
        ("distiluse", (LAYERS, LEARN), 33 * 16 + 16 * 16),
    ],
)
def test_a_plan_counts_dense_modules(
    published: str, stages: tuple[str, ...], dense: int, world: World, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    shutil.copy(world.corpus, tmp_path / "corpus.txt")
    asked = asked_for(published, stages, sentences, tmp_path)
    with_them, without = (
        json.loads(edgeenc("plan", *asked, "--json", *more).stdout)
        for more in ((), ("--export-task", "feature-extraction"))
    )
    assert with_them["student"]["parameters"] - without["student"]["parameters"] == dense


@pytest.mark.parametrize(
    ("published", "stages", "maps"),
    [
        ("e5", (LEARN, NARROW), [(24, 32, False)]),
        ("labse", (NARROW, SIMILAR), [(24, 32, True), (32, 8, False)]),
    ],
)
def test_what_a_plan_counts_is_built(
    published: str,
    stages: tuple[str, ...],
    maps: list[tuple[int, int, bool]],
    world: World,
    sentences: tuple[str, ...],
    tmp_path: Path,
) -> None:
    shutil.copy(world.corpus, tmp_path / "corpus.txt")
    asked, teacher, out = asked_for(published, stages, sentences, tmp_path), tmp_path / "own", tmp_path / "out"
    plan = json.loads(edgeenc("plan", *asked, "--json").stdout)
    done = edgeenc("build", *asked, "-o", str(out))
    assert done.returncode == 0, done.stderr

    facts = json.loads((out / "report" / "report.json").read_text())
    dense = sum(wide * narrow + bias * narrow for wide, narrow, bias in maps)
    stored = [load_file(path) for path in sorted(out.glob("[2-9]_Dense/model.safetensors"))]
    found = [(*reversed(one["linear.weight"].shape), "linear.bias" in one) for one in stored]
    assert found == maps
    assert plan["student"]["parameters"] == facts["student"]["parameters"]
    parts = [step["parts"] for step in facts["steps"] if step.get("parts")]
    assert parts[-1]["dense"] == dense
    assert facts["student"]["parameters"] == sum(parts[-1].values())
    assert facts["teacher"]["parameters"] == plan["teacher"]["parameters"]
    body = sum(tensor.numel() for tensor in load_file(teacher / "model.safetensors").values())
    own = sum(t.numel() for path in teacher.glob("*_Dense/model.safetensors") for t in load_file(path).values())
    assert facts["teacher"]["parameters"] == body + own
    for name, path in (("fp32", "model.onnx"), ("int8", "model_quantized.onnx")):
        size = (out / "onnx" / path).stat().st_size
        assert 0.98 * size < plan["predicted"][f"{name}_bytes"] < 1.04 * size  # the most: factors that it may lack
    report = (out / "report" / "report.md").read_text("utf-8")
    assert "| Head | Dense | Parameters |" in report
    assert edgeenc("verify", str(out)).returncode == 0
