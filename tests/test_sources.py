"""Teachers: from the kit, a folder, or the hub, which here is a small server on this machine (`hub.py`)."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import COMMIT, Answer, Hub, Repo, ask, dead_address, running_hub

from edgeenc import sources
from edgeenc.errors import HostError, InputError, UsageError
from edgeenc.sources import data_folder, kit, starter_corpus, teacher_folder

FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": b"\2\0\0\0\0\0\0\0{}" + b"w" * 3000,
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b"{}",
    "special_tokens_map.json": b"{}",
    "vocab.txt": b"[PAD]\n",
    "pytorch_model.bin": b"code",
    "run.py": b"code",
    "README.md": b"words",
}
GOOD, BROKEN, WEIGHTLESS = f"good/tiny@{COMMIT}", f"broken/tiny@{COMMIT}", f"no/weights@{COMMIT}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    repos = {
        "models/good/tiny": Repo(FILES),
        "models/broken/tiny": Repo(FILES, cut={"model.safetensors"}),
        "models/no/weights": Repo({name: body for name, body in FILES.items() if name != "model.safetensors"}),
        "models/gated/tiny": Repo(FILES, refuses=(401, "GatedRepo")),
        "models/gated/still": Repo(FILES, refuses=(403, "GatedRepo")),
    }
    with running_hub(repos) as found:
        yield found


def test_a_pinned_model_is_fetched_once_and_then_found_without_network(tmp_path: Path, hub: Hub) -> None:
    first, second = ask(tmp_path, hub.address, GOOD, GOOD)
    folder = Path(first["folder"])
    wanted = sorted(set(FILES) - {"pytorch_model.bin", "run.py", "README.md"})
    assert sorted(path.name for path in folder.iterdir()) == wanted, (
        "weights that can run code and code stay where they are"
    )
    assert all((folder / name).read_bytes() == FILES[name] for name in wanted)
    assert second == first
    assert hub.gets("model.safetensors") == 1
    assert hub.gets("pytorch_model.bin") == hub.gets("run.py") == 0
    before = len(hub.asked)
    assert ask(tmp_path, dead_address(), GOOD) == [first]
    assert ask(tmp_path, hub.address, GOOD, offline="offline") == [first]
    assert len(hub.asked) == before, "a whole model in the cache needs no network"


def test_what_the_hub_refuses_is_an_input_error_with_advice(tmp_path: Path, hub: Hub) -> None:
    missing = [f"lost/tiny@{COMMIT}", f"gated/tiny@{COMMIT}", f"gated/still@{COMMIT}", f"good/tiny@{'f' * 40}"]
    specs = [*missing, WEIGHTLESS]
    answers = ask(tmp_path, hub.address, *specs)
    assert [answer["code"] for answer in answers] == [5, 5, 5, 5, 5]
    assert "no such model, or it is private" in answers[0]["words"]
    for gated in answers[1:3]:
        assert "accept them on the model's page and set HF_TOKEN" in gated["words"]
    assert "no such commit" in answers[3]["words"]
    assert "only pickled weights" in answers[4]["words"]
    assert all(spec in answer["words"] for spec, answer in zip(specs, answers, strict=True))


def test_a_download_that_breaks_off_is_said_and_goes_on_later(tmp_path: Path, hub: Hub) -> None:
    (first,) = ask(tmp_path, hub.address, BROKEN)
    assert (first["error"], first["code"]) == ("InputError", 5)
    assert "model.safetensors and tokenizer.json cannot be fetched (" in first["words"]
    assert "run again; files that came whole are kept" in first["words"]
    (second,) = ask(tmp_path, hub.address, BROKEN, offline="offline")
    assert second["code"] == 5, "half a model in the cache is not taken for a whole one"
    assert "model.safetensors" in second["words"]
    (third,) = ask(tmp_path, dead_address(), BROKEN)
    assert third["code"] == 5
    assert "could not be reached" in third["words"] or "cannot be fetched" in third["words"]
    hub.repos["models/broken/tiny"].cut.clear()
    (fourth,) = ask(tmp_path, hub.address, BROKEN)
    assert (Path(fourth["folder"]) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_what_has_come_of_a_large_file_is_not_fetched_again(tmp_path: Path, hub: Hub) -> None:
    large = Repo(FILES | {"model.safetensors": bytes(range(256)) * 100_000}, cut={"model.safetensors"})
    hub.repos["models/large/tiny"] = large
    assert ask(tmp_path, hub.address, f"large/tiny@{COMMIT}")[0]["code"] == 5
    large.cut.clear()
    (answer,) = ask(tmp_path, hub.address, f"large/tiny@{COMMIT}")
    assert (Path(answer["folder"]) / "model.safetensors").read_bytes() == large.files["model.safetensors"]
    got = [line for line in hub.asked if line.startswith("GET") and "model.safetensors" in line]
    assert any("bytes=10485760-" in line for line in got), (
        "the library writes 10 MiB at a time, of which one had come; 0.x asks for the rest in the next run, 2.x in this"
    )


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_is_not_what_was_announced_is_removed_and_said(tmp_path: Path, hub: Hub, name: str) -> None:
    hub.repos["models/good/tiny"].wrong.add(name)
    (first,) = ask(tmp_path, hub.address, GOOD)
    assert (first["error"], first["code"]) == ("InputError", 5)
    assert f"{name} is damaged: its hash is" in first["words"]
    assert not list(tmp_path.rglob(name))
    hub.repos["models/good/tiny"].wrong.clear()
    (second,) = ask(tmp_path, hub.address, GOOD)
    assert (Path(second["folder"]) / name).read_bytes() == FILES[name]


def test_a_slow_line_is_told_from_a_dead_one(tmp_path: Path, hub: Hub) -> None:
    hub.repos["models/good/tiny"].slow = 3
    (answer,) = ask(tmp_path, hub.address, GOOD, settings={"HF_HUB_DOWNLOAD_TIMEOUT": "1"})
    assert answer["code"] == 5
    assert "silent for too long" in answer["words"]
    assert "HF_HUB_DOWNLOAD_TIMEOUT=60" in answer["words"]
    (answer,) = ask(tmp_path, hub.address, GOOD, settings={"HF_HUB_DOWNLOAD_TIMEOUT": "60"})
    assert answer["folder"], "the advice helps"


def test_without_network_the_message_names_what_is_missing(tmp_path: Path) -> None:
    (answer,) = ask(tmp_path, dead_address(), GOOD)
    assert (answer["error"], answer["code"]) == ("InputError", 5)
    assert "cannot be fetched (" in answer["words"]
    assert "check the network" in answer["words"]
    answers = ask(tmp_path, dead_address(), GOOD, offline="offline")
    answers += ask(tmp_path, dead_address(), GOOD, settings={"HF_HUB_OFFLINE": "1"})
    for answer in answers:
        assert (answer["error"], answer["code"]) == ("InputError", 5)
        assert "config.json and model.safetensors and tokenizer.json" in answer["words"]
        assert "this run is offline" in answer["words"]


@pytest.mark.parametrize(
    "revision", ["", "@main", "@v1.0", "@0123456", f"@{COMMIT[:-1]}", f"@{COMMIT}0", f"@{COMMIT.upper()}", "@"]
)
def test_a_model_that_is_not_pinned_is_refused_with_the_way_to_pin_it(revision: str) -> None:
    with pytest.raises(UsageError, match=r"pin it to a commit: some/model@<40 hex digits"):
        teacher_folder(f"some/model{revision}", offline=False)


@pytest.mark.parametrize(
    "spec", ["", "nothing", "/no/such/folder", "./no", "../a/b", "a/b/c", "C:\\m", "~/none", "x y/z"]
)
def test_a_folder_that_is_not_there_is_an_input_error(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        teacher_folder(spec, offline=False)


def test_a_folder_is_itself_also_where_its_name_looks_like_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert teacher_folder("org/name", offline=False) == Path("org/name")
    assert teacher_folder(str(tmp_path / "org"), offline=True) == tmp_path / "org"
    assert teacher_folder("~/org", offline=True) == tmp_path / "org"


def test_the_kit_lies_in_the_package() -> None:
    assert teacher_folder("starter", offline=True) == Path(sources.__file__).parent.parent / "starter" / "model"
    for language in ("tl", "mt", "sk", "sw"):
        train, heldout = starter_corpus(language)
        with lzma.open(train, "rt", encoding="utf-8") as lines:
            assert len(lines.readline()) > 10
        assert train.name == f"{language}.train.txt.xz"
        assert heldout.name == f"{language}.heldout.txt.xz"


@pytest.mark.parametrize("language", ["de", "ceb", ""])
def test_a_language_without_text_in_the_kit_is_told_the_others_and_the_flag(language: str) -> None:
    with pytest.raises(InputError, match=r"mt, sk, sw, tl only; give your own with --corpus FILE"):
        starter_corpus(language)


def test_data_is_found_in_an_installed_package_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (data_folder("recipes") / "languages").is_dir()
    package = tmp_path / "edgeenc"
    monkeypatch.setattr(kit, "_PACKAGE", package)
    with pytest.raises(HostError, match="install it again"):
        data_folder("recipes")
    (tmp_path / "recipes").mkdir()
    assert data_folder("recipes") == tmp_path / "recipes"
    (package / "recipes").mkdir(parents=True)
    assert data_folder("recipes") == package / "recipes", "what the wheel carries comes first"


def taken(answer: Answer) -> str:
    return answer["folder"].partition("name='")[2].partition("'")[0]


def test_a_name_without_a_commit_is_taken_at_the_one_of_today_and_keeps_it_offline(tmp_path: Path, hub: Hub) -> None:
    for spec in ("good/tiny", "good/tiny@main", f"good/tiny@{COMMIT[:8]}"):
        (answer,) = ask(tmp_path / spec, hub.address, spec, of="find_teacher")
        assert taken(answer) == GOOD, answer
        assert f"taken='teacher {spec}: taken at commit {COMMIT}'" in answer["folder"]
        (again,) = ask(tmp_path / spec, dead_address(), spec, of="find_teacher", offline="offline")
        assert again == answer
        (again,) = ask(tmp_path / spec, dead_address(), spec, of="find_teacher", settings={"HF_HUB_OFFLINE": "1"})
        assert again == answer
        (dead,) = ask(tmp_path / spec, dead_address(), spec, of="find_teacher")
        assert dead["code"] == 5
        assert f"or take {COMMIT}, which is cached, with --offline" in dead["words"]
    (answer,) = ask(tmp_path, hub.address, GOOD, of="find_teacher")
    assert "taken=''" in answer["folder"], "a commit that was typed is not news"


def test_offline_the_newest_whole_version_is_taken(tmp_path: Path, hub: Hub) -> None:
    ask(tmp_path, hub.address, GOOD)
    place = tmp_path / "hub" / "models--good--tiny"
    assert not (place / "refs").exists(), "a commit says nothing of the branch"
    (answer,) = ask(tmp_path, dead_address(), "good/tiny", of="find_teacher", offline="offline")
    assert taken(answer) == GOOD
    half = place / "snapshots" / ("f" * 40)
    half.mkdir()
    (half / "config.json").write_text("{}")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(half.name)
    (answer,) = ask(tmp_path, dead_address(), "good/tiny", of="find_teacher", offline="offline")
    assert taken(answer) == GOOD, "half a version hides no whole one"
    (answer,) = ask(tmp_path, dead_address(), "good/tiny@v2", of="find_teacher", offline="offline")
    assert "is not in the hub's cache, and this run is offline" in answer["words"], "a tag means no other version"


def test_a_branch_is_noted_only_when_its_files_are_there(tmp_path: Path, hub: Hub) -> None:
    (answer,) = ask(tmp_path, hub.address, "broken/tiny", of="find_teacher")
    assert answer["code"] == 5
    assert not list(tmp_path.rglob("refs/main"))


def test_a_name_that_is_neither_folder_nor_model_says_both(tmp_path: Path, hub: Hub) -> None:
    def words(spec: str, address: str = hub.address, offline: str = "online", code: int = 5) -> str:
        (answer,) = ask(tmp_path, address, spec, of="find_teacher", offline=offline)
        assert answer["code"] == code, answer
        assert "\n" not in answer["words"]
        return answer["words"]

    assert words("a/b").startswith("teacher a/b: no such folder; the hub has no such model, or it is private")
    assert "accept them on the model's page and set HF_TOKEN" in words("gated/tiny")
    assert "the model has no branch, tag or commit v9;" in words("good/tiny@v9")
    assert "(a commit has 40 hexadecimal digits, this has 39)" in words(f"good/tiny@{'a' * 39}")
    assert "(its letters are written small)" in words(f"good/tiny@{'A' * 40}")
    assert "(a commit has 40 hexadecimal digits, this has 41)" in words(f"good/tiny@{'a' * 41}")
    assert "cannot be fetched (" in words("good/tiny", dead_address())
    offline = words("a/b", dead_address(), "offline")
    assert offline.startswith("teacher a/b: no such folder; as a model of the hub it is not in the hub's cache")
    for spec in ("good/tiny@", "good/tiny@../x", "good/tiny@/etc/passwd", "good/tiny@a b"):
        assert "is no branch, tag or commit" in words(spec, dead_address(), code=2)
    assert "no such folder" in words("../a/b")
    (tmp_path / "file").write_text("")
    assert "a file; give the folder that it lies in" in words(str(tmp_path / "file"))


def test_pickled_weights_alone_are_refused_with_a_command(tmp_path: Path, hub: Hub) -> None:
    (answer,) = ask(tmp_path, hub.address, "no/weights", of="find_teacher")
    assert f"only pickled weights, which a build never opens; run `edgeenc convert {WEIGHTLESS} -o" in answer["words"]
    assert hub.gets("pytorch_model.bin") == 0


def test_a_model_of_the_hub_with_an_older_tokenizer_names_the_command(tmp_path: Path) -> None:
    files = {"model.safetensors": b"1", "config.json": b"{}", "spm.model": b"2"}
    with running_hub({"models/some/model": Repo(files)}) as hub:
        (answer,) = ask(tmp_path, hub.address, f"some/model@{COMMIT}")
        assert answer["code"] == 5
        assert "tokenizer.json is missing; there is spm.model" in answer["words"]
        assert f"edgeenc convert some/model@{COMMIT} -o FOLDER" in answer["words"]
        assert hub.gets("safetensors") == 0
