"""`edgeenc convert`: pickled weights and older tokenizers become what a build reads, once, before any build."""

from __future__ import annotations

from pathlib import Path

import click

from edgeenc.cli.options import FOLDER


@click.command(short_help="Turn pytorch_model.bin and older tokenizers into what a build reads.")
@click.argument("model", metavar="FOLDER|ID@REV")
@click.option("-o", "--out", type=FOLDER, metavar="DIR", help="New folder.  [default: into FOLDER itself]")
@click.option("--offline", is_flag=True, help="Fetch nothing.")
def convert(model: str, out: Path | None, offline: bool) -> None:
    """Turn pickled weights and an older tokenizer into what builds read, which are safetensors and tokenizer.json.

    Weights are pytorch_model.bin or its parts; tokenizers are spm.model, sentencepiece.bpe.model, vocab.txt, or
    vocab.json with merges.txt. What is there already stays; no code of the model is run.
    """
    from edgeenc.machine.disk import seal
    from edgeenc.sources.convert import convert as make

    click.echo("reading it in a process of its own", err=True)
    for path in make(model, out, offline=offline):
        stamp = seal(path)
        click.echo(f"{path}: {stamp.bytes:,} bytes  sha256 {stamp.sha256}")
