"""What is said about the machine: read from texts of our own, and from this one."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version

import pytest

from edgeenc.machine import describe as host
from edgeenc.record.form import parse, plain
from edgeenc.record.host import Host

X86 = """processor\t: 0
model name\t: Some  CPU @ 2.60GHz
flags\t\t: fpu sse2 avx512_vnni avx2 avx512f

processor\t: 1
model name\t: Another
flags\t\t: fma
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n"


def test_the_processor_and_its_flags_are_those_of_the_first_core_in_our_order() -> None:
    assert host.cpu_name(X86) == "Some CPU @ 2.60GHz"
    assert host.cpu_flags(X86) == ["avx2", "avx512f", "avx512_vnni"]


def test_an_arm_board_is_named_by_its_numbers() -> None:
    assert host.cpu_name(ARM) == "implementer 0x41 part 0xd0b"
    assert host.cpu_flags(ARM) == ["asimd", "asimddp", "i8mm"]


def test_without_cpuinfo_the_name_comes_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert host.cpu_name("") == "riscv64"
    assert host.cpu_flags("") == []


def test_this_machine_is_described_in_plain_json() -> None:
    facts = host.describe()
    assert parse(Host, json.dumps(plain(facts))) == facts
    assert facts.python == platform.python_version()
    assert facts.cores_of_machine == os.cpu_count()
    assert 1 <= facts.cores <= facts.cores_of_machine
    assert facts.memory_bytes is not None and facts.memory_bytes > 100_000_000
    assert set(facts.flags) <= set(host.FLAGS)


def test_memory_is_cut_by_the_cgroup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_read", lambda path: "12345678\n" if path.endswith("memory.max") else "")
    assert host.describe().memory_bytes == 12_345_678
    monkeypatch.setattr(host, "_read", lambda path: "max\n" if path.endswith("memory.max") else "")
    assert (host.describe().memory_bytes or 0) > 12_345_678


def test_versions_are_those_installed_and_missing_packages_are_left_out() -> None:
    found = host.versions(("numpy", "no-such-package-of-ours", "onnxruntime"))
    assert found == {"numpy": version("numpy"), "onnxruntime": version("onnxruntime")}


def test_versions_and_flags_need_no_torch() -> None:
    code = (
        "import sys; from edgeenc.machine import describe as host; host.versions(); host.cpu_flags('');"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
