"""The step that measures sentence vectors, in whole builds of tiny teachers: figures, report, card, screen, compare."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from line import Done, edgeenc, make_world
from safetensors.torch import load_file, save_file
from sentences import publish, recipe_for

from edgeenc.bundle.load import load_bundle
from edgeenc.machine.disk import seal
from edgeenc.model.encoder import Encoder
from edgeenc.record.facts import Facts
from edgeenc.record.form import parse, plain, read_json
from edgeenc.record.vectors import LEXICAL, Searches, VectorFigures

pytestmark = pytest.mark.export


@pytest.fixture(scope="module")
def asked(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the arguments of a build of sentence vectors; Ilocano has parallel lines and no labelled set."""
    place = tmp_path_factory.mktemp("asked")
    world = make_world(tiny_encoder, sentences, place)
    teacher = publish("newest", sentences, place / "published")
    recipe = recipe_for(teacher, place)
    return ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(recipe), "--store", str(place / "store")]


@pytest.fixture(scope="module")
def built(asked: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """Return the bundle, and what was printed; do not change it."""
    out = tmp_path_factory.mktemp("built") / "out"
    done = edgeenc("build", *asked, "--threads", "1", "-o", str(out))
    assert done.returncode == 0, done.stderr
    return out, done


def facts_in(folder: Path) -> Facts:
    return parse(Facts, (folder / "report" / "report.json").read_bytes())


def figures_in(folder: Path) -> VectorFigures:
    found = facts_in(folder).vectors
    assert found is not None
    return found


def test_a_plan_of_sentence_vectors_measures_them_and_no_other_plan_does(asked: list[str]) -> None:
    steps = [step["name"] for step in json.loads(edgeenc("plan", *asked, "--json").stdout)["steps"]]
    assert steps[-4:] == ["verify", "vectors", "bench", "bundle"]
    other = edgeenc("plan", *asked, "--json", "--export-task", "feature-extraction").stdout
    assert "vectors" not in [step["name"] for step in json.loads(other)["steps"]]


def test_every_file_is_measured_against_the_untouched_teacher(built: tuple[Path, Done]) -> None:
    found = figures_in(built[0])
    assert (found.dimensions, found.teacher_dimensions, found.query, found.passage) == (32, 32, "query: ", "")
    (one,) = found.languages
    assert one.language == "ilo" and one.texts == one.agreement[0].recall[0].searches > 40
    assert [each.name for each in one.agreement] == ["student fp32", "student int8", f"{LEXICAL} tf-idf"]
    fp32, int8, _ = one.agreement
    assert 0.3 < fp32.spearman.value < 1 and abs(int8.spearman.value - fp32.spearman.value) < 0.2
    assert one.chance(1) < fp32.recall[0].share < 1
    assert [each.name for each in one.across] == ["teacher torch", "student fp32", "student int8", f"{LEXICAL} tf-idf"]
    assert {(each.among, each.accuracy[0].searches) for each in one.across} == {("en", 204)}
    assert one.probes == ()


def test_where_each_search_ended_adds_up_to_the_figures(built: tuple[Path, Done]) -> None:
    searches = parse(Searches, (built[0] / "report" / "searches.json").read_bytes()).languages["ilo"]
    for one in figures_in(built[0]).languages[0].agreement:
        places = searches.places[one.name]
        assert [sum(place <= each.within for place in places) for each in one.recall] == [f.found for f in one.recall]


def test_the_report_begins_with_what_is_found(built: tuple[Path, Done]) -> None:
    out, done = built
    recall = figures_in(out).recall("student int8")[0]
    said = f"finds the teacher's nearest neighbour in {recall.found:,} of {recall.searches:,} searches"
    report = (out / "report" / "report.md").read_text("utf-8")
    lines = [line for line in report.splitlines() if line.strip()]
    assert lines[0].endswith("sentence encoder (ilo)")
    assert lines[1].startswith("int8: ") and said in lines[1] and "times as fast as the teacher" in lines[1]
    headings = [line for line in lines if line.startswith("## ")]
    assert headings[0] == "## Sentence vectors"
    for text in (report, (out / "README.md").read_text("utf-8"), (out / "report" / "report.html").read_text("utf-8")):
        assert "ilo searches en: student int8" in text and "Spearman" in text
    assert said in done.stdout
    assert f"{LEXICAL} tf-idf" in done.stderr, "the line of the step has the baseline"


def test_bits_per_character_are_no_part_of_such_a_build(
    asked: list[str], built: tuple[Path, Done], tmp_path: Path
) -> None:
    out, done = built
    said = done.stdout + done.stderr
    said += "".join((out / name).read_text("utf-8") for name in ("README.md", "report/report.md", "report/report.html"))
    assert facts_in(out).bits_per_character is None
    assert "baselines to beat" in said.lower()
    assert "bits per character" not in said.lower() and "head not trained" not in said
    names = [step["name"] for step in json.loads(edgeenc("plan", *asked, "--json").stdout)["steps"]]
    assert "measure" not in names
    other = json.loads(edgeenc("plan", *asked, "--json", "--export-task", "fill-mask").stdout)
    assert "measure" in [step["name"] for step in other["steps"]]


def test_a_teacher_without_a_head_is_not_remarkable_where_none_is_needed(
    asked: list[str], sentences: tuple[str, ...], tmp_path: Path
) -> None:
    teacher = publish("newest", sentences, tmp_path / "bare")
    state = {n: t for n, t in load_file(teacher / "model.safetensors").items() if not n.startswith("cls.")}
    save_file(state, teacher / "model.safetensors", metadata={"format": "pt"})
    recipe = recipe_for(teacher, tmp_path)
    own = [str(recipe) if argument.endswith(".yaml") else argument for argument in asked]
    assert not any("head" in note for note in notes_of_plan(own))
    assert any("no masked-LM head" in note for note in notes_of_plan(own, "--export-task", "fill-mask"))
    text = recipe.read_text("utf-8")
    recipe.write_text(text.replace("bounds:", "  - {kind: prune-ffn, intermediate_size: 32}\nbounds:"), "utf-8")
    assert any("prune-ffn ranks by the loss of a head that nobody has trained" in note for note in notes_of_plan(own))
    untrimmed = "\n".join(line for line in text.splitlines() if "trim-vocab" not in line)
    recipe.write_text(untrimmed, "utf-8")
    done = edgeenc("build", *own, "--threads", "1", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "masked-LM head" not in done.stderr + done.stdout
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "A model of sentence vectors for" in card and "masked-LM" not in card.partition("## Limits")[2]
    assert facts_in(tmp_path / "out").tokenizer is None, "it is the teacher's own"
    assert "## Tokenizer" not in (tmp_path / "out" / "report" / "report.md").read_text("utf-8")


def notes_of_plan(asked: list[str], *more: str) -> list[str]:
    return json.loads(edgeenc("plan", *asked, *more, "--json").stdout)["notes"]


def test_the_card_is_found_as_that_of_a_model_of_sentence_transformers(built: tuple[Path, Done]) -> None:
    """Its fields are those that the hub reads; the examples name the prompts that the model has."""
    card = (built[0] / "README.md").read_text("utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert (front["library_name"], front["pipeline_tag"]) == ("sentence-transformers", "sentence-similarity")
    assert {"sentence-transformers", "sentence-similarity", "feature-extraction", "onnx"} <= set(front["tags"])
    for name in ("query", "document"):
        assert f'vectors = model.encode(["a text"], prompt_name="{name}")' in card
    alone = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)[0]
    ask = '\nprint(json.dumps([vector("Kumusta", "query").tolist(), vector("Kumusta").tolist()]))\n'
    done = subprocess.run(
        [sys.executable, "-c", alone + ask], cwd=built[0], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    near, vectors = done.stdout.splitlines()
    assert float(near) < 1e-4
    bundle = load_bundle(built[0], "int8")
    right = [bundle("Kumusta", prompt="query")[0], bundle("Kumusta")[0]]
    np.testing.assert_allclose(json.loads(vectors), np.stack([np.asarray(one) for one in right]), atol=1e-5)


def test_a_student_below_character_n_grams_is_said_to_be(built: tuple[Path, Done]) -> None:
    from edgeenc.report import markdown_report
    from edgeenc.steps.line.summary import lexical_floors

    found = figures_in(built[0])
    (one,) = found.languages
    floor = next(floor for floor in facts_in(built[0]).floors if LEXICAL in floor.name)
    assert floor.passed == (one.first("student int8") > one.first(LEXICAL))
    swapped = tuple(
        replace(each, model="student", precision="int8")
        if each.model == LEXICAL
        else replace(each, model=LEXICAL, precision="tf-idf")
        if each.precision == "int8"
        else each
        for each in one.agreement
    )
    other = replace(found, languages=(replace(one, agreement=swapped),))
    (turned,) = lexical_floors(other, "int8")
    assert turned.passed != floor.passed
    worse = other if floor.passed else found
    warned = markdown_report(replace(facts_in(built[0]), vectors=worse, floors=lexical_floors(worse, "int8")))
    assert "WARNING: character n-grams alone" in warned
    assert "1 of 1 baseline checks failed" in warned
    better = found if floor.passed else other
    assert "WARNING" not in markdown_report(replace(facts_in(built[0]), vectors=better))


def test_json_of_a_build_has_the_values(asked: list[str], built: tuple[Path, Done], tmp_path: Path) -> None:
    done = edgeenc("build", *asked, "--threads", "1", "-o", str(tmp_path / "again"), "--json")
    assert done.returncode == 0, done.stderr
    found = read_json(done.stdout)
    assert isinstance(found, dict)
    assert parse(Facts, found).vectors == figures_in(built[0])


def test_the_step_has_a_key_of_its_own_that_follows_what_is_measured(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeenc.steps.line import make

    def keys() -> dict[str, str]:
        return {step["name"]: step["key"] for step in json.loads(edgeenc("plan", *asked, "--json").stdout)["steps"]}

    before = keys()
    monkeypatch.setattr(make, "vector_fields", lambda request: {"parallel": {"en.txt.xz": "other"}, "labelled": {}})
    after = keys()
    assert {name for name in before if before[name] != after[name]} == {"vectors", "bundle"}


def test_two_bundles_are_compared_search_by_search(asked: list[str], built: tuple[Path, Done], tmp_path: Path) -> None:
    other = tmp_path / "other"
    done = edgeenc("build", *asked, "--threads", "1", "--precision", "fp32", "-o", str(other))
    assert done.returncode == 0, done.stderr
    found = json.loads(edgeenc("compare", str(built[0]), str(other), "--rounds", "1", "--json").stdout)
    lines = {line["what"]: line for line in found["lines"]}
    first = lines["ilo: teacher's nearest among 1"]
    int8, fp32 = figures_in(built[0]).recall("student int8")[0], figures_in(other).recall("student fp32")[0]
    assert (first["a"], first["b"]) == (int8.share, fp32.share)
    assert first["low"] <= first["change"] <= first["high"] and f"paired over {int8.searches} searches" in first["how"]
    assert lines["ilo searches the teacher's en: first"]["metric"] == "across"
    rank = lines["ilo: rank correlation"]
    assert rank["words"] == ("better" if rank["change"] > 0 else "worse" if rank["change"] < 0 else "equal")

    unlike = parse(Searches, (other / "report" / "searches.json").read_bytes())
    (one,) = unlike.languages.values()
    path = other / "report" / "searches.json"
    path.write_text(json.dumps(plain(Searches(languages={"ilo": replace(one, texts="other")}))), "utf-8")
    manifest = json.loads((other / "manifest.json").read_text("utf-8"))
    manifest["files"]["report/searches.json"] = plain(seal(path))
    (other / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = json.loads(edgeenc("compare", str(built[0]), str(other), "--rounds", "1", "--json").stdout)
    first = next(line for line in found["lines"] if line["metric"] == "recall")
    assert first["low"] is None and "texts" in first["how"]


def test_too_few_texts_cannot_be_ranked() -> None:
    from edgeenc.tasks.vectors.measure import FEWEST_TEXTS

    assert FEWEST_TEXTS == 12


def test_a_build_of_two_languages_measures_and_names_both(
    asked: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each is searched by itself, and each among the other too: by the teacher's vectors and by the student's own."""
    out, corpus = tmp_path_factory.mktemp("two") / "out", asked[asked.index("--corpus") + 1]
    rest = asked[asked.index("--recipe") :]
    two = ["--lang", "ilo+ceb", "--corpus", f"ilo={corpus}", "--corpus", f"ceb={corpus}", *rest]
    done = edgeenc("build", *two, "--threads", "1", "-o", str(out))
    assert done.returncode == 0, done.stderr
    found = figures_in(out)
    assert [one.language for one in found.languages] == ["ilo", "ceb"]
    pairs = [
        {(each.among, each.vectors_of) for each in one.across if each.name == "student int8"} for one in found.languages
    ]
    assert pairs == [{("en", "teacher"), ("ceb", "student int8")}, {("en", "teacher"), ("ilo", "student int8")}]
    counts = [one.of("student int8") for one in found.languages]
    for said in (
        (out / "README.md").read_text("utf-8"),
        (out / "report" / "report.md").read_text("utf-8"),
        done.stdout + done.stderr,
    ):
        for one, count in zip(found.languages, counts, strict=True):
            assert count is not None
            assert re.search(rf"{count.recall[0].found} of {one.texts} searches \([^)]*\) of {one.language}", said)
    page = (out / "report" / "report.html").read_text("utf-8")
    assert all(f"found ({tag})" in page for tag in ("ilo", "ceb"))
