"""The hub is a small HTTP server on this machine; every question to it is asked in a fresh process.

The hub's library reads its settings once, on import.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypedDict

import pytest

from edgeenc import sources
from edgeenc.errors import HostError, InputError, UsageError
from edgeenc.sources import data_folder, starter_corpus, teacher_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
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


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for the models good/tiny, gated/tiny, broken/tiny (ends too early) and no/weights."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self.answer_model("/".join(parts[2:4]), parts[5], tree=parts[4] == "tree")
        else:
            self.answer_file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    def answer_model(self, name: str, commit: str, *, tree: bool) -> None:
        if name == "gated/tiny":
            return self.send(401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"})
        if name not in ("good/tiny", "broken/tiny", "no/weights"):
            return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if commit != COMMIT:
            return self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        files = [path for path in FILES if name != "no/weights" or path != "model.safetensors"]
        listed = [{"type": "file", "path": path, "size": len(FILES[path]), "oid": "0" * 40} for path in files]
        found = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": path} for path in files], "private": False}
        return self.send(200, json.dumps(listed if tree else found).encode(), {"Content-Type": "application/json"})

    def answer_file(self, name: str, commit: str, path: str) -> None:
        body = FILES[path]
        etag = hashlib.sha256(name.encode() + body).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        self.send(200, body, headers, cut=name == "broken/tiny" and path == "model.safetensors")

    def send(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: object) -> None:
        """Keep the screen of the tests clean."""


@pytest.fixture
def hub() -> Iterator[tuple[str, list[str]]]:
    """Give the address of a running hub, and the list of what it has been asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisHub", (Hub,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


class Answer(TypedDict):
    """What became of a question: a folder, or the kind and words of an error."""

    folder: str
    error: str
    code: int
    words: str


ASK = """
import json, sys
from edgeenc.errors import EdgeencError
from edgeenc.sources import teacher_folder
for spec in sys.argv[2:]:
    answer = {"folder": "", "error": "", "code": 0, "words": ""}
    try:
        answer["folder"] = str(teacher_folder(spec, offline=sys.argv[1] == "offline"))
    except EdgeencError as error:
        answer |= {"error": type(error).__name__, "code": error.exit_code, "words": str(error)}
    print(json.dumps(answer))
"""


def ask(cache: Path, address: str, *specs: str, offline: str = "online", **settings: str) -> list[Answer]:
    """Ask for `specs` one after the other in one fresh process."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    own = {"HF_ENDPOINT": address, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    proxies = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, offline, *specs],
        env=inherited | own | proxies | settings, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def dead_address() -> str:
    with socket.socket() as spot:
        spot.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{spot.getsockname()[1]}"


def test_a_pinned_model_is_fetched_once_and_then_found_without_network(
    tmp_path: Path, hub: tuple[str, list[str]]
) -> None:
    address, asked = hub
    spec = f"good/tiny@{COMMIT}"
    first, second = ask(tmp_path, address, spec, spec)
    folder = Path(first["folder"])
    wanted = sorted(set(FILES) - {"pytorch_model.bin", "run.py", "README.md"})
    assert sorted(path.name for path in folder.iterdir()) == wanted, (
        "weights that can run code and code stay where they are"
    )
    assert all((folder / name).read_bytes() == FILES[name] for name in wanted)
    assert second == first
    assert len([line for line in asked if line.startswith("GET") and "model.safetensors" in line]) == 1
    assert not any("pytorch_model.bin" in line or "run.py" in line for line in asked)
    before = len(asked)
    assert ask(tmp_path, dead_address(), spec) == [first]
    assert ask(tmp_path, address, spec, offline="offline") == [first]
    assert len(asked) == before, "a whole model in the cache needs no network"


def test_what_the_hub_refuses_is_an_input_error_with_advice(tmp_path: Path, hub: tuple[str, list[str]]) -> None:
    specs = [f"lost/tiny@{COMMIT}", f"gated/tiny@{COMMIT}", f"good/tiny@{'f' * 40}", f"no/weights@{COMMIT}"]
    answers = ask(tmp_path, hub[0], *specs)
    assert [answer["code"] for answer in answers] == [5, 5, 5, 5]
    assert "no such model, or it is private" in answers[0]["words"]
    assert "accept them on the model's page and set HF_TOKEN" in answers[1]["words"]
    assert "no such commit" in answers[2]["words"]
    assert "model.safetensors not found" in answers[3]["words"]
    assert all(spec in answer["words"] for spec, answer in zip(specs, answers, strict=True))


def test_a_download_that_breaks_off_is_said_and_goes_on_later(
    tmp_path: Path, hub: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = f"broken/tiny@{COMMIT}"
    (first,) = ask(tmp_path, hub[0], spec)
    assert (first["error"], first["code"]) == ("InputError", 5)
    assert "model.safetensors and tokenizer.json cannot be fetched (" in first["words"]
    assert "run again; what has come is kept" in first["words"]
    (second,) = ask(tmp_path, hub[0], spec, offline="offline")
    assert second["code"] == 5, "half a model in the cache is not taken for a whole one"
    assert "model.safetensors" in second["words"]
    (third,) = ask(tmp_path, dead_address(), spec)
    assert third["code"] == 5
    assert "could not be reached" in third["words"] or "cannot be fetched" in third["words"]
    monkeypatch.setitem(FILES, "model.safetensors", FILES["model.safetensors"])
    monkeypatch.setattr(Hub, "send", lambda self, status, body, headers, cut=False: SEND(self, status, body, headers))
    (fourth,) = ask(tmp_path, hub[0], spec)
    assert (Path(fourth["folder"]) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


SEND = Hub.send


def test_without_network_the_message_names_what_is_missing(tmp_path: Path) -> None:
    spec = f"good/tiny@{COMMIT}"
    (answer,) = ask(tmp_path, dead_address(), spec)
    assert (answer["error"], answer["code"]) == ("InputError", 5)
    assert "cannot be fetched (" in answer["words"]
    assert "check the network" in answer["words"]
    for settings in ({"offline": "offline"}, {"HF_HUB_OFFLINE": "1"}):
        (answer,) = ask(tmp_path, dead_address(), spec, **settings)
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
    assert teacher_folder("starter", offline=True) == Path(sources.__file__).parent / "starter" / "model"
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
    monkeypatch.setattr(sources, "_PACKAGE", package)
    with pytest.raises(HostError, match="install it again"):
        data_folder("recipes")
    (tmp_path / "recipes").mkdir()
    assert data_folder("recipes") == tmp_path / "recipes"
    (package / "recipes").mkdir(parents=True)
    assert data_folder("recipes") == package / "recipes", "what the wheel carries comes first"
