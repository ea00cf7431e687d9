"""`edgeenc convert`: pickled weights and older tokenizers become what a build reads, once, before any build."""

from __future__ import annotations

from pathlib import Path

import click

from edgeenc.cli.options import FOLDER


@click.command(short_help="Turn pytorch_model.bin and older tokenizers into what a build reads.")
@click.argument("model", metavar="FOLDER|ID[@REV]")
@click.option("-o", "--out", type=FOLDER, metavar="DIR", help="New folder.  [default: into FOLDER itself]")
@click.option("--offline", is_flag=True, help="Fetch nothing.")
def convert(model: str, out: Path | None, offline: bool) -> None:
    """Turn pickled weights and an older tokenizer into what builds read, which are safetensors and tokenizer.json.

    Weights are pytorch_model.bin or its parts; tokenizers are spm.model, sentencepiece.bpe.model, vocab.txt, or
    vocab.json with merges.txt. What is there already stays; no code of the model is run.
    """
    from edgeenc.errors import UsageError
    from edgeenc.machine.disk import seal
    from edgeenc.sources.convert import convert as make
    from edgeenc.sources.convert import pickled, require_new
    from edgeenc.sources.models import local_folder

    if out is not None:
        require_new(out)
    elif local_folder(model, "convert") is None and "/" in model:
        raise UsageError(f"convert {model}: no such folder; a model of the hub needs -o FOLDER, where it goes")
    source = pickled(model, offline=offline)
    if source.taken:
        click.echo(source.taken, err=True)
    click.echo("reading it in a process of its own", err=True)
    for path in make(source, out):
        stamp = seal(path)
        click.echo(f"{path}: {stamp.bytes:,} bytes  sha256 {stamp.sha256}")
