"""A hub on this machine: it answers as the hub does, well or badly, and remembers what it was asked.

Questions are put to it in fresh processes, because the hub's library reads its settings once, on import.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypedDict
from urllib.parse import parse_qs, unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".parquet", ".gz")


@dataclass
class Repo:
    """A model or dataset: its files, and what is wrong with it.

    `refuses` is a status and an error code; `cut` files end too early, `wrong` ones are not what was announced, and
    the listing comes `slow` seconds late.
    """

    files: Mapping[str, bytes]
    refuses: tuple[int, str] | None = None
    cut: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    slow: float = 0.0


@dataclass
class Hub:
    """A running hub: `models/org/name` and `datasets/org/name` to what they hold, and every question so far."""

    address: str
    repos: dict[str, Repo]
    asked: list[str]

    def gets(self, part: str) -> int:
        """Return how many files with `part` in their names were asked for."""
        return len([line for line in self.asked if line.startswith("GET") and "/resolve/" in line and part in line])


@contextmanager
def running_hub(repos: dict[str, Repo]) -> Iterator[Hub]:
    hub = Hub("", repos, [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisHub", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield hub
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = json.loads(body) if body.startswith("{") else parse_qs(body)
        self.answer(asked.get("paths", []))

    def answer(self, paths: list[str] | None = None) -> None:
        self.hub.asked.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".rstrip())
        parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
        api = parts[0] == "api"
        parts = parts[1:] if api else parts
        kind, parts = (parts[0], parts[1:]) if parts[0] in ("models", "datasets") else ("models", parts)
        name, rest = f"{kind}/{parts[0]}/{parts[1]}", parts[2:]
        repo = self.hub.repos.get(name)
        if repo is None:
            return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if repo.refuses is not None:
            words = {"X-Error-Code": repo.refuses[1], "X-Error-Message": "Access is restricted"}
            return self.send(repo.refuses[0], b"{}", words)
        if len(rest) > 1 and rest[1] not in (COMMIT, COMMIT[:8], "main"):
            return self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        if api:
            return self.answer_api(name, repo, rest, paths)
        path = "/".join(rest[2:])
        if path not in repo.files:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        return self.answer_file(repo, path)

    def answer_api(self, name: str, repo: Repo, rest: list[str], paths: list[str] | None) -> None:
        time.sleep(repo.slow)
        if rest[:1] == ["tree"]:
            below = "/".join(rest[2:])
            found: object = _entries(repo, sorted(repo.files), below, deep="recursive=true" in self.path.lower())
        elif rest[:1] == ["paths-info"]:
            found = [entry for path in paths or [] for entry in _entries(repo, [path], "", deep=True)]
            found += [
                {"type": "directory", "path": path, "oid": "0" * 40} for path in paths or [] if _is_folder(repo, path)
            ]
        else:
            listed = [{"rfilename": path} | _metadata(repo, path) for path in sorted(repo.files)]
            found = {"id": name.partition("/")[2], "sha": COMMIT, "siblings": listed, "private": False}
        self.send(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def answer_file(self, repo: Repo, path: str) -> None:
        body, etag = repo.files[path], _metadata(repo, path)
        headers = {"ETag": f'"{etag["lfs"]["sha256"] if "lfs" in etag else etag["blobId"]}"', "X-Repo-Commit": COMMIT}
        body = body[::-1] if path in repo.wrong else body
        asked = self.headers.get("Range", "")
        status = 200
        if asked.startswith("bytes="):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1 if last else len(body), len(body))
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(body)}"
            body, status = body[int(first) : end], 206
        self.send(status, body, headers | {"Accept-Ranges": "bytes"}, cut=path in repo.cut)

    def send(self, status: int, body: bytes, headers: Mapping[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for key, value in (dict(headers) | {"Content-Length": str(len(body))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(body[: len(body) // 2] if cut else body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked did not wait
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: object) -> None:
        """Keep the screen of the tests clean."""


class _Lfs(TypedDict):
    sha256: str
    size: int
    pointerSize: int


class _Metadata(TypedDict, total=False):
    size: int
    blobId: str
    lfs: _Lfs


def _metadata(repo: Repo, path: str) -> _Metadata:
    content = repo.files[path]
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    found = _Metadata(size=len(content), blobId=git)
    if path.endswith(LARGE):
        found["lfs"] = _Lfs(sha256=hashlib.sha256(content).hexdigest(), size=len(content), pointerSize=130)
    return found


def _is_folder(repo: Repo, path: str) -> bool:
    return any(name.startswith(f"{path}/") for name in repo.files)


def _entries(repo: Repo, names: list[str], below: str, *, deep: bool) -> list[dict[str, object]]:
    """List files below a folder as the hub's tree does."""
    prefix, entries, folders = f"{below}/" if below else "", [], set()
    for name in names:
        if name not in repo.files or not name.startswith(prefix):
            continue
        first, slash, _ = name.removeprefix(prefix).partition("/")
        if slash and not deep:
            folders.add(prefix + first)
            continue
        metadata = _metadata(repo, name)
        entry: dict[str, object] = {
            "type": "file",
            "path": name,
            "size": metadata.get("size"),
            "oid": metadata.get("blobId"),
        }
        if lfs := metadata.get("lfs"):
            entry["lfs"] = {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": 130}
        entries.append(entry)
    return [*({"type": "directory", "path": folder, "oid": "0" * 40} for folder in sorted(folders)), *entries]


class Answer(TypedDict):
    """What became of a question: a folder, or the kind and words of an error."""

    folder: str
    error: str
    code: int
    words: str


ASK = """
import json, os, sys
from functools import partial
from edgeenc import sources
from edgeenc.errors import EdgeencError
function = getattr(sources, sys.argv[2])
function = partial(function, most=int(os.environ["MOST"])) if "MOST" in os.environ else function
for spec in sys.argv[3:]:
    answer = {"folder": "", "error": "", "code": 0, "words": ""}
    try:
        answer["folder"] = str(function(spec, offline=sys.argv[1] == "offline"))
    except EdgeencError as error:
        answer |= {"error": type(error).__name__, "code": error.exit_code, "words": str(error)}
    print(json.dumps(answer))
"""


def surroundings(cache: Path, address: str) -> dict[str, str]:
    """Return the environment of a process whose hub is at `address` and whose cache is `cache`."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    own = {"HF_ENDPOINT": address, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return inherited | own | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def ask(
    cache: Path,
    address: str,
    *specs: str,
    offline: str = "online",
    of: str = "teacher_folder",
    settings: Mapping[str, str] | None = None,
) -> list[Answer]:
    """Ask `sources` for `specs` one after the other in one fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, offline, of, *specs],
        env=surroundings(cache, address) | dict(settings or {}),
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def dead_address() -> str:
    with socket.socket() as spot:
        spot.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{spot.getsockname()[1]}"
