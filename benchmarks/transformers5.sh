#!/usr/bin/env bash
# Every test that does not export, on transformers 5, in a virtual environment without optimum.
#
#   benchmarks/transformers5.sh [VENV]     VENV is kept and used again; without it a temporary one is made and removed
#
# optimum-onnx holds transformers below 5 and is imported only where it exports; this shows that nothing else leans on the old one.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ $# -gt 0 ]; then
  venv=$(mkdir -p "$1" && cd "$1" && pwd)
else
  venv=$(mktemp -d)
  trap 'rm -rf "$venv"' EXIT
fi

cd "$root"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3.11}" -m venv "$venv"
"$venv/bin/python" - > "$venv/requirements.txt" <<'PYTHON'
import tomllib

project = tomllib.load(open("pyproject.toml", "rb"))["project"]
tests = [line for line in project["optional-dependencies"]["dev"] if line.startswith(("pytest", "scipy"))]
plain = [line for line in project["dependencies"] if not line.startswith(("optimum", "transformers"))]
print("\n".join([*plain, *tests, "transformers>=5,<6"]))
PYTHON
"$venv/bin/pip" install --quiet --requirement "$venv/requirements.txt"
"$venv/bin/pip" install --quiet --no-deps --force-reinstall .
"$venv/bin/python" -c 'import torch, transformers; print(f"transformers {transformers.__version__}, torch {torch.__version__}")'
PATH=$venv/bin:$PATH "$venv/bin/pytest" -p no:cacheprovider -m "not export"
