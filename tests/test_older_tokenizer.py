"""Older tokenizers become `tokenizer.json` by `edgeenc convert`, and read as the library's own classes do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import pytest
from click.testing import CliRunner
from sentencepiece import SentencePieceTrainer
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoTokenizer,
    BertTokenizer,
    DebertaV2Tokenizer,
    PreTrainedTokenizer,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

from edgeenc.cli import cli
from edgeenc.errors import HostError, InputError
from edgeenc.sources import fast_tokenizer, older_tokenizer
from edgeenc.sources.convert import Source, convert
from edgeenc.text.parse import parse_tokenizer

TEXTS = (
    "Ang bata ay kumain ng mangga.",
    "Čo je nové? Žena číta; DIEŤA spí",
    "ako si ikaw  siya  , hindi",
    "",
)
LIST = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *sorted({c for text in (*TEXTS, "éacze") for c in text if c > " "}),
]
LIST += [f"##{c}" for c in LIST[5:]] + ["ang", "Ang", "bata", "##ta", "zena"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the child's program in this process: the library takes seconds to load."""

    def run(_: str, words: str, out: Path, *arguments: str) -> None:
        try:
            fast_tokenizer.main(*arguments)
        except SystemExit as error:
            raise InputError(f"{words}: {error}") from None
        assert out.is_file()

    monkeypatch.setattr(older_tokenizer, "run_alone", run)


def folder_of(tmp_path: Path, model_type: str, settings: Mapping[str, object] = MappingProxyType({})) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    if settings:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(dict(settings)))
    return tmp_path


def sentencepiece(vocab_size: int, options: Mapping[str, object] = MappingProxyType({})) -> bytes:
    made = BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 4),
        model_writer=made,
        vocab_size=vocab_size,
        hard_vocab_limit=False,
        minloglevel=2,
        **options,
    )
    return made.getvalue()


def require_same(folder: Path, slow: PreTrainedTokenizer) -> None:
    (made,) = convert(Source(folder))
    assert made == folder / "tokenizer.json"
    fast = parse_tokenizer(made.read_text(encoding="utf-8"))
    for text in TEXTS:
        assert fast.encode(text).ids == slow(text)["input_ids"], text
    assert fast.get_vocab() == slow.get_vocab()


@pytest.mark.parametrize("settings", [
    {"do_lower_case": False},
    {"do_lower_case": True},
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": False, "strip_accents": True, "tokenizer_file": "/nowhere/tokenizer.json", "vocab_file": "/no"},
])  # fmt: skip
@pytest.mark.usefixtures("here")
def test_a_list_of_wordpieces_is_read_as_its_settings_say(tmp_path: Path, settings: dict[str, object]) -> None:
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in LIST), encoding="utf-8")
    folder = folder_of(tmp_path, "bert", settings)
    own = {name: value for name, value in settings.items() if not name.endswith("_file")}
    require_same(folder, BertTokenizer(str(tmp_path / "vocab.txt"), **own))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
    ]  # fmt: skip


def test_a_list_of_which_nobody_says_its_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in LIST), encoding="utf-8")
    with pytest.raises(InputError, match=r"does not say do_lower_case.*capital letters \(.*false is likely"):
        convert(Source(folder_of(tmp_path, "bert")))
    (tmp_path / "vocab.txt").write_text("[UNK]\na\n##a\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"0 of its 3 tokens have capital letters, so true is likely"):
        convert(Source(tmp_path))


@pytest.mark.usefixtures("here")
def test_merges_and_their_tokens_are_read(tmp_path: Path) -> None:
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        TEXTS, vocab_size=300, show_progress=False, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    )
    trained.save_model(str(tmp_path))
    folder = folder_of(tmp_path, "roberta")
    require_same(folder, RobertaTokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt")))


@pytest.mark.parametrize("model_type", ["xlm-roberta", "bert"])
@pytest.mark.usefixtures("here")
def test_a_sentencepiece_model_of_xlmr_is_read_under_either_architecture(tmp_path: Path, model_type: str) -> None:
    (tmp_path / "sentencepiece.bpe.model").write_bytes(sentencepiece(60))
    folder = folder_of(tmp_path, model_type)
    require_same(folder, XLMRobertaTokenizer(str(tmp_path / "sentencepiece.bpe.model")))


@pytest.mark.parametrize("fallback", [False, True])
@pytest.mark.usefixtures("here")
def test_a_sentencepiece_model_of_deberta_is_read_with_its_bytes(tmp_path: Path, fallback: bool) -> None:
    ids = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]"}
    names = {"bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
    (tmp_path / "spm.model").write_bytes(sentencepiece(330, {"byte_fallback": fallback, **ids, **names}))
    require_same(folder_of(tmp_path, "deberta-v2"), slow := DebertaV2Tokenizer(str(tmp_path / "spm.model")))
    text = "bata \U0001f600 ng"
    fast = parse_tokenizer((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert fast.encode(text).ids == slow(text)["input_ids"]
    assert (3 in fast.encode(text).ids) is not fallback
    assert AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)(text)["input_ids"] == fast.encode(text).ids


def test_the_command_makes_it_of_what_has_safetensors_too(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "vocab.txt").write_text("".join(f"{token}\n" for token in LIST), encoding="utf-8")
    (old / "model.safetensors").write_bytes(b"weights")
    folder_of(old, "bert", {"do_lower_case": False})
    done = CliRunner().invoke(cli, ["convert", str(old), "-o", str(new)])
    assert done.exit_code == 0, done.output
    assert f"{new / 'tokenizer.json'}: " in done.output and "model.safetensors:" not in done.output
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    assert sorted(path.name for path in new.iterdir()) == names
    with pytest.raises(InputError, match="nothing to convert"):
        convert(Source(new))


def test_a_missing_package_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spm.model").write_bytes(b"")
    monkeypatch.setattr(older_tokenizer, "find_spec", lambda module: None)
    with pytest.raises(HostError, match="`pip install sentencepiece protobuf`"):
        convert(Source(folder_of(tmp_path, "deberta-v2")))
    assert HostError.exit_code == 6


@pytest.mark.parametrize(("model_type", "settings", "words"), [
    ("xlm-roberta", {}, "sentencepiece.bpe.model: transformers cannot read its tokenizer"),
    ("bert", {"tokenizer_class": "MarianTokenizer"}, "transformers"),
    ("bert", {"auto_map": {"AutoTokenizer": ["code.Evil", None]}, "tokenizer_class": "Evil"}, "cannot read"),
])  # fmt: skip
@pytest.mark.usefixtures("here")
def test_what_is_damaged_or_needs_code_is_refused_and_leaves_nothing(
    tmp_path: Path, model_type: str, settings: dict[str, object], words: str
) -> None:
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"no model at all")
    (tmp_path / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    folder = folder_of(tmp_path, model_type, settings)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(InputError, match=words):
        convert(Source(folder))
    assert sorted(path.name for path in folder.iterdir()) == before
