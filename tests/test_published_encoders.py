"""Encoders as they are published: without a masked-LM head, with rows that are not the tokenizer's, with leftovers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from families import TOKENIZERS, tiny
from line import edgeenc, make_world
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModel, AutoModelForSequenceClassification

from edgeenc.bundle.inspect import look
from edgeenc.compress.adapt import adapt
from edgeenc.compress.distill import distill
from edgeenc.compress.drop_layers import drop_layers
from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.errors import InputError
from edgeenc.model.checkpoint import read_checkpoint
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.families import families
from edgeenc.stages.distill import DistillOptions
from edgeenc.stages.match import Match
from edgeenc.stages.training import TrainingOptions
from edgeenc.text.corpus import Corpus
from edgeenc.text.token_ids import token_ids

NAMES = [family.name for family in families() if family.name in TOKENIZERS]
WEIGHTS = "model.safetensors"
FIELDS: dict[str, object] = {"tokens": 64 * 4, "batch_tokens": 64, "sequence_lengths": (16,), "evaluations": 2}


def headless(encoder: Encoder, folder: Path, *, prefix: str = "", pooler: bool = False) -> Path:
    """Write what the library's class without a head saves, its names behind a prefix, and maybe a pooler."""
    save_encoder(encoder, folder)
    body = encoder.model.base_model
    state = {f"{prefix}{name}": tensor.clone() for name, tensor in body.state_dict().items()}
    if pooler:
        state |= {f"{prefix}pooler.dense.weight": torch.ones(32, 32), f"{prefix}pooler.dense.bias": torch.ones(32)}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    change(folder / "config.json", architectures=[type(body).__name__])
    return folder


def change(path: Path, **fields: object) -> None:
    """Lay fields over a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_bytes()) | fields), encoding="utf-8")


def rewrite(folder: Path, act: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors of a folder in place."""
    state = load_file(folder / WEIGHTS)
    act(state)
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})


@pytest.fixture
def bare(sentences: tuple[str, ...], tmp_path: Path) -> Path:
    return headless(tiny("bert", sentences), tmp_path / "bare")


@pytest.mark.parametrize("pooler", [False, True])
@pytest.mark.parametrize("prefixed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_model_without_a_head_gives_the_states_of_the_library(
    name: str, prefixed: bool, pooler: bool, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    whole = tiny(name, sentences)
    folder = headless(whole, tmp_path, prefix=whole.family.body if prefixed else "", pooler=pooler)
    found = load_encoder(folder)
    ids = torch.tensor([whole.tokenizer.encode(sentences[0]).ids])
    with torch.no_grad():
        assert torch.equal(found.hidden(ids), whole.hidden(ids))
    assert (found.head, found.has_head) == ("grown", False)
    assert read_checkpoint(folder).notes == ("the teacher has no masked-LM head",)
    assert len(read_checkpoint(folder).passed) == 2 * pooler


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("modernbert", "electra")])
def test_a_grown_head_is_the_embedding_behind_a_norm(name: str, sentences: tuple[str, ...], tmp_path: Path) -> None:
    """Identity, then the activation where it is the identity, then a plain norm, then the tied table without a bias."""
    found = load_encoder(headless(tiny(name, sentences), tmp_path))
    first = next(one for one in found.family.embeddings if "vocab" in found.family.embeddings[one])
    table = found.model.state_dict()[first]
    hidden = torch.randn(5, 32)
    normed = torch.nn.functional.layer_norm(hidden, (32,))
    with torch.no_grad():
        assert torch.allclose(found.logits(hidden), normed @ table.T, atol=1e-3)


def test_it_is_not_saved_until_it_is_trained(bare: Path, sentences: tuple[str, ...], tmp_path: Path) -> None:
    corpus = Corpus(sentences[:12], sentences[10:], sentences[15:])
    found = load_encoder(bare)
    cut = drop_layers(trim_vocab(found, sentences, size=100), [0, 2])
    assert cut.head == "grown"
    save_encoder(cut, tmp_path / "cut")
    assert not any(name.startswith("cls.") for name in load_file(tmp_path / "cut" / WEIGHTS))
    assert json.loads((tmp_path / "cut" / "config.json").read_bytes())["architectures"] == ["BertModel"]
    model, info = AutoModel.from_pretrained(tmp_path / "cut", add_pooling_layer=False, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and model.config.vocab_size == 100
    adapted, _ = adapt(cut, corpus, TrainingOptions(**FIELDS))
    assert adapted.head == "trained"
    save_encoder(adapted, tmp_path / "adapted")
    assert load_encoder(tmp_path / "adapted").head == "published"


@pytest.mark.parametrize(
    ("loss", "alpha", "head"), [("none", 0.0, "grown"), ("none", 0.5, "trained"), ("kl", 0.0, "trained")]
)
def test_distilling_trains_a_head_only_where_it_reads_logits(
    loss: str, alpha: float, head: str, bare: Path, sentences: tuple[str, ...]
) -> None:
    corpus, found = Corpus(sentences[:12], sentences[10:], sentences[15:]), load_encoder(bare)
    options = DistillOptions.model_validate({**FIELDS, "loss": loss, "alpha": alpha, "match": Match(hidden=1.0)})
    student, history = distill(drop_layers(found, [0, 2]), found, corpus, options)
    assert student.head == head
    losses = [value for _, value in history.evaluations]
    assert (max(losses) < 4) == (head == "grown")  # its own loss chooses, not that of 120 tokens, which is near ln 120


def test_heads_of_other_tasks_are_passed_over(sentences: tuple[str, ...], tmp_path: Path) -> None:
    for name in NAMES:
        whole, folder = tiny(name, sentences), tmp_path / name
        save_encoder(whole, folder)
        AutoModelForSequenceClassification.from_config(whole.model.config).save_pretrained(folder)
        found = load_encoder(folder)
        assert found.head == "grown", name
        assert read_checkpoint(folder).passed, name


def test_the_head_for_the_next_sentence_is_passed_over(sentences: tuple[str, ...], tmp_path: Path) -> None:
    save_encoder(tiny("bert", sentences), tmp_path)
    rewrite(tmp_path, lambda state: state.update({"cls.seq_relationship.weight": torch.ones(2, 32)}))
    assert load_encoder(tmp_path).head == "published"


def grown_rows(state: dict[str, torch.Tensor], table: str, more: int) -> None:
    state[table] = torch.cat([state[table], torch.full((more, 32), 9.0)])


def test_rows_without_a_token_are_left_out_and_said(bare: Path, sentences: tuple[str, ...]) -> None:
    before = load_encoder(bare)
    rewrite(bare, lambda state: grown_rows(state, "embeddings.word_embeddings.weight", 35))
    change(bare / "config.json", vocab_size=before.shape.vocab + 35)
    found = load_encoder(bare)
    ids = torch.tensor([before.tokenizer.encode(sentences[3]).ids])
    assert found.shape == before.shape and found.model.config.vocab_size == before.shape.vocab
    assert torch.equal(found.hidden(ids), before.hidden(ids))
    assert read_checkpoint(bare).notes[0] == "35 rows have no token"
    assert look(bare).notes[0] == "35 rows have no token"
    assert look(bare).problems == () and look(bare).refusal == ""


def test_the_padding_token_is_the_tokenizers(sentences: tuple[str, ...], tmp_path: Path) -> None:
    """As e5 has it: BERT's configuration says row 0, XLM-R's tokenizer 1."""
    whole = tiny("bert", sentences)
    tokenizer = TOKENIZERS["xlm-roberta"](sentences)
    table = torch.randn(tokenizer.get_vocab_size() + 3, 32)
    folder = headless(whole, tmp_path)
    rewrite(folder, lambda state: state.update({"embeddings.word_embeddings.weight": table}))
    change(folder / "config.json", vocab_size=len(table), pad_token_id=0)
    tokenizer.save(str(folder / "tokenizer.json"))
    found = load_encoder(folder)
    assert found.model.config.pad_token_id == tokenizer.token_to_id("<pad>") == 1
    assert found.shape.vocab == tokenizer.get_vocab_size()
    trimmed = trim_vocab(found, sentences, size=100)
    ids = trimmed.tokenizer.encode(sentences[0]).ids
    old = [tokenizer.token_to_id(trimmed.tokenizer.id_to_token(number)) for number in ids]
    assert torch.equal(trimmed.model.get_input_embeddings().weight[ids], table[old])


@pytest.mark.parametrize("name", ["bert", "xlm-roberta"])
def test_holes_in_the_ids_close_and_the_text_is_read_as_before(
    name: str, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    """A token that no text of these uses is taken out of the file, and its row stays."""
    whole = tiny(name, sentences)
    save_encoder(whole, tmp_path)
    spec = json.loads((tmp_path / "tokenizer.json").read_bytes())
    vocab = spec["model"]["vocab"]
    if isinstance(vocab, list):  # a list has a hole where a token stands twice
        vocab[20] = vocab[21]
        gone = {20}
    else:
        gone = {vocab.pop(next(token for token in vocab if token.startswith("##") and len(token) > 3))}
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec), encoding="utf-8")
    old = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    found = load_encoder(tmp_path)
    assert found.shape.vocab == whole.shape.vocab - len(gone)
    assert sorted(found.tokenizer.get_vocab().values()) == list(range(found.shape.vocab))
    for line in sentences:
        assert found.tokenizer.encode(line).tokens == old.encode(line).tokens
    before, after = old.encode(sentences[1]).ids, found.tokenizer.encode(sentences[1]).ids
    with torch.no_grad():
        assert torch.equal(found.hidden(torch.tensor([after])), whole.hidden(torch.tensor([before])))


def test_added_tokens_beyond_the_table_are_left_out_with_a_word(bare: Path, sentences: tuple[str, ...]) -> None:
    before = load_encoder(bare)
    tokenizer = Tokenizer.from_file(str(bare / "tokenizer.json"))
    tokenizer.add_tokens([f"<ent{number}>" for number in range(4)])
    tokenizer.save(str(bare / "tokenizer.json"))
    found = load_encoder(bare)
    assert found.tokenizer.get_vocab() == before.tokenizer.get_vocab()
    assert found.tokenizer.encode(sentences[0]).ids == before.tokenizer.encode(sentences[0]).ids
    words = "4 added tokens have no row and are left out: '<ent0>', '<ent1>', '<ent2>', ..."
    assert words in read_checkpoint(bare).notes


def lose_rows(folder: Path) -> None:
    rewrite(folder, lambda state: state.update({TABLE: state[TABLE][:-10].clone()}))
    change(folder / "config.json", vocab_size=json.loads((folder / "config.json").read_bytes())["vocab_size"] - 10)


def lose_mask(folder: Path) -> None:
    spec = json.loads((folder / "tokenizer.json").read_bytes())
    spec["added_tokens"] = [row for row in spec["added_tokens"] if row["content"] != "[MASK]"]
    spec["model"]["vocab"]["[other]"] = spec["model"]["vocab"].pop("[MASK]")
    (folder / "tokenizer.json").write_text(json.dumps(spec), encoding="utf-8")


def share_ids(folder: Path) -> None:
    spec = json.loads((folder / "tokenizer.json").read_bytes())
    spec["model"]["vocab"] |= {"isa": 50, "dalawa": 51, "tatlo": 52, "apat": 53}
    (folder / "tokenizer.json").write_text(json.dumps(spec), encoding="utf-8")


TABLE = "embeddings.word_embeddings.weight"
QUERY = "encoder.layer.{}.attention.self.query.weight"


def wider(name: str) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, lambda state: state.update({name: torch.cat([state[name]] * 2)}))


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "fewer rows": (
        lose_rows,
        r"10 of 120 tokens have no row in the embedding of 110 rows: .* \(id 110\), .* \(id 111\), .* \(id 112\), \.",
    ),
    "vocab_size": (lambda folder: change(folder / "config.json", vocab_size=130), "120 x 32 for 130 x 32"),
    "positions": (wider("embeddings.position_embeddings.weight"), r"1 tensors .*position.* 128 x 32 for 64 x 32"),
    "types": (wider("embeddings.token_type_embeddings.weight"), r"1 tensors .* 4 x 32 for 2 x 32"),
    "layers": (
        lambda folder: rewrite(folder, lambda state: [state.pop(QUERY.format(n)) for n in range(3)]),
        r"3 of \d+ tensors are missing: bert.encoder.layer.0",
    ),
    "more layers": (lambda folder: change(folder / "config.json", num_hidden_layers=2), "16 tensors more than config"),
    "unknown": (
        lambda folder: rewrite(folder, lambda state: state.update({"encoder.layer.0.gate.weight": torch.ones(2)})),
        "1 tensors that no bert encoder has: bert.encoder.layer.0.gate.weight|1 tensors that no bert encoder has: enc",
    ),
    "no mask": (lose_mask, r"the tokenizer has no \[MASK\]"),
    "one id for two": (share_ids, r"tokenizer.json gives 4 ids to two tokens each: 50 \(.*'isa'\), 51 .*, 52 \("),
    "padding": (lambda folder: change(folder / "config.json", pad_token_id=120), "pad_token_id is 120"),
    "damaged": (lambda folder: (folder / WEIGHTS).write_bytes(b"12"), "model.safetensors is damaged"),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "model.safetensors is missing"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "older tokenizer": (
        lambda folder: (folder / "tokenizer.json").rename(folder / "vocab.txt"),
        r"tokenizer.json is missing; there is vocab.txt: `edgeenc convert .*` makes it of that, once",
    ),
    "other tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text('{"model": {}}'),
        "tokenizer.json is damaged",
    ),
    "other family": (lambda folder: change(folder / "config.json", model_type="albert"), "known are: bert, "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_plan_and_build_refuse_in_the_same_words(what: str, bare: Path, sentences: tuple[str, ...]) -> None:
    spoil, words = REFUSED[what]
    world = make_world(tiny("bert", sentences), sentences, bare.parent / "world")
    spoil(bare)
    with pytest.raises(InputError, match=words) as seen:
        read_checkpoint(bare)
    assert len(str(seen.value).splitlines()) == 1 and len(str(seen.value)) < 700
    with pytest.raises(InputError) as loaded:
        load_encoder(bare)
    assert str(loaded.value) == str(seen.value)
    asked = ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe), "--teacher", str(bare)]
    store = ["--store", str(bare.parent / "store"), "--threads", "1"]
    planned, built = edgeenc("plan", *asked, *store), edgeenc("build", *asked, *store, "-o", str(bare.parent / "out"))
    assert planned.returncode == built.returncode == 5
    assert planned.stderr == built.stderr and str(seen.value) in planned.stderr


def test_a_half_head_of_a_masked_lm_is_damage(sentences: tuple[str, ...], tmp_path: Path) -> None:
    save_encoder(tiny("bert", sentences), tmp_path)
    rewrite(tmp_path, lambda state: state.pop("cls.predictions.bias"))
    with pytest.raises(InputError, match=r"1 of 5 tensors of the masked-LM head are missing: cls\.predictions\.bias"):
        read_checkpoint(tmp_path)


def test_nothing_heavy_is_read_for_a_plan(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safetensors.torch.load_file", lambda *_: pytest.fail("the weights were read"))
    assert read_checkpoint(bare).head == "grown"


@pytest.mark.parametrize("name", TOKENIZERS)
def test_ids_are_those_that_the_library_gives(name: str, sentences: tuple[str, ...]) -> None:
    tokenizer = TOKENIZERS[name](sentences)
    assert token_ids(tokenizer.to_str()).ids == tokenizer.get_vocab()
    tokenizer.add_tokens(["<one>", "Ang", "<two>"])
    spec = json.loads(tokenizer.to_str())
    for row in spec["added_tokens"]:
        row["id"] += 7 * (row["content"] == "<two>")  # the library does not believe it
    text = json.dumps(spec)
    assert token_ids(text).ids == Tokenizer.from_str(text).get_vocab()


@pytest.mark.parametrize(
    ("stages", "purpose", "words"),
    [
        ("{kind: trim-vocab, vocab_size: 110}", "feature-extraction", ["no step trains one"]),
        ("{kind: trim-vocab, vocab_size: 110}", "fill-mask", ["fill-mask ships a head that nobody has trained"]),
        (
            "{kind: prune-ffn, intermediate_size: 24},"
            " {kind: adapt, tokens: 256, batch_tokens: 64, sequence_lengths: [16]}",
            "feature-extraction",
            ["and adapt trains it", "prune-ffn ranks by the loss of a head that nobody has trained"],
        ),
        (
            "{kind: distill, teacher: teacher, tokens: 256, batch_tokens: 64, sequence_lengths: [16]}",
            "feature-extraction",
            ["and distill trains it", "distill learns from logits of a head that nobody has trained"],
        ),
    ],
)
def test_a_plan_says_who_misses_a_trained_head(
    stages: str, purpose: str, words: list[str], bare: Path, sentences: tuple[str, ...]
) -> None:
    world = make_world(tiny("bert", sentences), sentences, bare.parent / "world")
    (bare.parent / "r.yaml").write_text(f"name: r\nteacher: {bare}\nstages: [{stages}]\n", encoding="utf-8")
    asked = ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(bare.parent / "r.yaml"), "--json"]
    done = edgeenc("plan", *asked, "--export-task", purpose, "--store", str(bare.parent / "store"))
    notes = json.loads(done.stdout)["notes"]
    assert notes[0] == "the teacher has no masked-LM head"
    assert all(any(word in note for note in notes) for word in words), notes


@pytest.mark.export
def test_a_build_without_a_head_measures_no_bits_and_ships_no_head(bare: Path, sentences: tuple[str, ...]) -> None:
    world = make_world(tiny("bert", sentences), sentences, bare.parent / "world")
    recipe = bare.parent / "r.yaml"
    bounds = "bounds: {mean_cosine: 0.9, worst_cosine: 0.5}"
    recipe.write_text(f"name: r\nteacher: {bare}\nstages: [{{kind: trim-vocab, vocab_size: 110}}]\n{bounds}\n")
    asked = ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(recipe), "--threads", "1"]
    out = bare.parent / "out"
    done = edgeenc("build", *asked, "--store", str(bare.parent / "store"), "-o", str(out))
    assert done.returncode == 0, done.stderr
    said = "head not trained: bits per character mean nothing"
    facts = json.loads((out / "report" / "report.json").read_bytes())
    assert facts["bits_per_character"]["teacher"] is None and facts["bits_per_character"]["student"] is None
    card = (out / "README.md").read_text(encoding="utf-8")
    assert said in card and said in (out / "report" / "report.md").read_text(encoding="utf-8")
    assert said in done.stdout + done.stderr
    assert "AutoModel.from_pretrained" in card and "never trained" in card
    assert load_encoder(out).head == "grown"
    assert edgeenc("verify", str(out)).returncode == 0
