"""Peak memory of the texts that gates read, for a model of many positions: two layers of 64, random weights.

    python benchmarks/gate_memory.py POSITIONS

Prints gigabytes (10^9 bytes) of this process at its peak: at the start, after the exports, and after each engine.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from edgeenc.bundle.gate_text import gate_batches
from edgeenc.machine.memory import peak_resident_bytes
from edgeenc.model.encoder import load_encoder, load_tokenizer, save_encoder
from edgeenc.model.purpose import default_purpose
from edgeenc.model.random import random_encoder
from edgeenc.sources.kit import data_folder
from edgeenc.sources.rehearsal import random_folder
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.quantize import quantize
from edgeenc.targets.sessions.ort_session import OrtSession
from edgeenc.targets.sessions.torch_session import checkpoint_session
from edgeenc.text.corpus import read_lines

CONFIG = (
    '{{"model_type": "xlm-roberta", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4,'
    ' "intermediate_size": 128, "vocab_size": 1000, "max_position_embeddings": {rows}, "type_vocab_size": 1,'
    ' "pad_token_id": 1}}'
)


def said(what: str) -> None:
    """Print the peak so far."""
    print(f"{what:<14}{peak_resident_bytes() / 1e9:.2f} GB", flush=True)


def main() -> None:
    """Export, then let PyTorch and both files read what gates read."""
    positions, purpose = int(sys.argv[1]), default_purpose()
    lines = read_lines(data_folder("starter") / "text" / "tl.heldout.txt.xz")[:24]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "c.json").write_text(CONFIG.format(rows=positions + 2), encoding="utf-8")
        save_encoder(random_encoder(random_folder(f"random:{folder / 'c.json'}"), 1), folder / "model")
        said("start")
        fp32 = export(folder / "model", folder / "model.onnx", purpose)
        int8 = quantize(fp32, folder / "int8.onnx")
        said("exports")
        assert load_encoder(folder / "model").shape.longest == positions
        batches = gate_batches(lines, load_tokenizer(folder / "model"), positions, purpose)
        engines = {"PyTorch": checkpoint_session(folder / "model", purpose), "fp32": OrtSession(fp32)}
        for name, session in (engines | {"int8": OrtSession(int8)}).items():
            for batch in batches:
                session(batch.ids_BT, batch.attend_BT)
            said(name)


if __name__ == "__main__":
    main()
