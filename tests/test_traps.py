"""What went wrong in published code for this task (traps B1 to B29): which test keeps each of them out of ours.

The numbers are those of the project's digest of arXiv:2505.16956 and of the code behind it.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
import torch
import yaml
from line import World, make_world

from edgeenc.compress.adapt import adapt
from edgeenc.compress.distill import distill
from edgeenc.compress.importance import calibration
from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.errors import InputError
from edgeenc.language import resolve
from edgeenc.machine.runtime import Runtime
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.planned import Request, Role
from edgeenc.recipe import parse_recipe
from edgeenc.stages.distill import DistillOptions
from edgeenc.stages.training import TrainingOptions
from edgeenc.steps.line.make import make_plan
from edgeenc.text.batches import Batching, masked_stream
from edgeenc.text.corpus import Corpus
from edgeenc.text.mixture import Text
from edgeenc.training_loop import Job

GUARDS = {
    "B1 loss over padding": "test_traps::test_rows_have_no_padding",
    "B2 logits of every position": "test_traps::test_heads_see_the_compared_positions_only",
    "B3 text beyond the longest row": "test_batches::test_a_sentence_longer_than_a_row_goes_on_in_the_next",
    "B4 a teacher that computes what nobody needs": "test_match::test_no_logits_are_computed_where_none_are_compared",
    "B5 settings that reach nothing": "test_distill::test_the_loss_is_what_the_formula_says",
    "B5 settings that contradict": "test_distill::test_recipes_that_contradict_themselves_are_refused",
    "B6 the family guessed from a path": "test_traps::test_the_family_is_read_not_guessed_from_a_name",
    "B6 unknown options": "test_recipe::test_all_mistakes_at_once_with_their_places",
    "B7 sizes wired in": "test_structure::test_truncation_makes_the_planned_shape",
    "B8 masks drawn anew at each look": "test_traps::test_an_unchanged_model_has_the_same_held_out_loss_at_every_look",
    "B9 the last checkpoint taken for the best": "test_training::test_the_best_checkpoint_wins",
    "B11 judged on text of the test": "test_traps::test_what_to_cut_is_chosen_on_training_text_alone",
    "B12 scores that cancel": "test_prune_ffn::test_signs_cancel_within_a_batch_as_published_but_not_token_by_token",
    "B13 the weakened model as the only teacher": "test_traps::test_any_earlier_step_can_teach",
    "B14 heads cut across, scores of another size": "test_structure::test_narrower_heads_keep_their_temperature",
    "B15 the first channels, whatever they carry": "test_structure::test_idle_channels_go_first",
    "B16 sizes that do not match": "test_surgery::test_a_wrong_size_is_refused",
    "B16 weights that do not fit": "test_surgery::test_damaged_checkpoints_say_what_is_wrong",
    "B17 tags read as spans": "test_task_metrics::test_spans_are_never_read_from_bare_tags",
    "B18 labels counted, not matched to their words": "test_task_encode::test_a_word_without_token_moves_no_other",
    "B19 perplexity of another vocabulary": "test_bits::test_the_words_are_the_same_for_every_vocabulary",
    "B20 the last epoch, or the lowest loss": "test_tune::test_the_epoch_with_the_best_figure_on_validation_is_kept",
    "B20 scores without error bars": "test_report_tasks::test_scores_stand_in_tables_with_their_intervals",
    "B20 differences without": "test_report_tasks::test_no_difference_is_seen_where_the_interval_contains_zero",
    "B21 the tokenizer of another table": "test_surgery::test_a_tokenizer_of_another_model_is_refused",
    "B22 the first tokens seen, not the most frequent": "test_vocabulary::test_choose_orders_by_count_then_id",
    "B23 rows taken by place": "test_trim_vocab::test_kept_logits_are_unchanged",
    "B24 the bias left behind": "test_trim_vocab::test_tokenizer_embedding_and_bias_change_together",
    "B25 ids from a set": "test_vocabulary::test_choose_keeps_specials_and_characters_in_both_forms",
    "B25 ids in the configuration": "test_traps::test_special_tokens_stay_where_the_configuration_says",
    "B27 results kept under a path's name": "test_plan::test_other_text_changes_everything_but_the_teacher",
    "B28 nobody counts unknown tokens": "test_vocabulary::test_quality_by_hand",
    "B29 paths of one machine": "test_rules::test_no_file_knows_the_machine_it_was_written_on",
    "B29 versions without bounds": "test_rules::test_every_dependency_has_two_bounds_and_a_pin_between_them",
    "B29 who taught whom": "test_store::test_a_committed_step_has_its_files_hashes_and_facts",
}

NO_PLACE_HERE = {
    "B10": "the training loop is our own, so no trainer's signature can change under it",
    "B26": "tokens are looked up in mappings and arrays; no list is searched",
}

FIELDS: dict[str, object] = {"tokens": 64 * 6, "batch_tokens": 64, "sequence_lengths": (16,), "evaluations": 3}


@pytest.fixture(scope="module")
def corpus(sentences: tuple[str, ...]) -> Corpus:
    return Corpus(sentences[:12], sentences[10:], sentences[15:])


def test_every_trap_has_a_guard_that_is_there() -> None:
    numbers = {int(name.split()[0][1:]) for name in (*GUARDS, *NO_PLACE_HERE)}
    assert numbers == set(range(1, 30))
    for guard in GUARDS.values():
        file, name = guard.split("::")
        tree = ast.parse((Path(__file__).parent / f"{file}.py").read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, guard


def test_rows_have_no_padding(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """B1: every place of every row holds text, so no loss can be an average over padding."""
    stream = masked_stream([sentences], tiny_encoder.tokenizer, Batching(64, lengths=(16, 32)), seed=0)
    pad = tiny_encoder.tokenizer.token_to_id("[PAD]")
    rows = [row for groups in stream.groups.values() for row in groups[0]]
    assert len(rows) > 10
    assert not any((row == pad).any() for row in rows)


def test_heads_see_the_compared_positions_only(
    tiny_encoder: Encoder, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B2: at 30 % of 64 tokens both heads are given 19 states a step, the student's once more for each look."""
    seen: list[int] = []
    original = Encoder.logits

    def watched(self: Encoder, hidden: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() or not any(p.requires_grad for p in self.model.parameters()):
            seen.append(hidden.shape[:-1].numel())
        return original(self, hidden)

    monkeypatch.setattr(Encoder, "logits", watched)
    distill(tiny_encoder, tiny_encoder, corpus, DistillOptions(**FIELDS), Job())
    assert seen == [19] * 12


def test_the_family_is_read_not_guessed_from_a_name(tiny_encoder: Encoder, tmp_path: Path) -> None:
    """B6: a BERT in a folder that is called otherwise is a BERT; a model type without a table is refused by name."""
    folder = tmp_path / "xlm-r_last_k_distilbert"
    save_encoder(tiny_encoder, folder)
    assert load_encoder(folder).family.name == "bert"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "albert"}))
    with pytest.raises(InputError, match="model type 'albert' is not known"):
        load_encoder(folder)


def test_an_unchanged_model_has_the_same_held_out_loss_at_every_look(tiny_encoder: Encoder, corpus: Corpus) -> None:
    """B8: with a rate of nothing to speak of, three looks see one loss; so do two runs of other seeds."""
    options = TrainingOptions(**FIELDS, lr=1e-30)
    looks = [loss for seed in (1, 2) for _, loss in adapt(tiny_encoder, corpus, options, Job(seed=seed))[1].evaluations]
    assert len(looks) == 6
    assert len(set(looks)) == 1


def test_what_to_cut_is_chosen_on_training_text_alone(tiny_encoder: Encoder, corpus: Corpus) -> None:
    """B11: other held-out text changes no batch on which importance is measured."""
    other = Corpus(corpus.train, ("Iba ito.",) * 50, ("At iba rin ito.",) * 50)
    for one, two in zip(*(calibration(tiny_encoder, text, 3, 7) for text in (corpus, other)), strict=True):
        assert torch.equal(one.ids_BT, two.ids_BT) and torch.equal(one.labels_P, two.labels_P)


def test_special_tokens_stay_where_the_configuration_says(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """B25: after a trim the configured padding id is the padding token's; two trims give the same ids."""
    first, second = (trim_vocab(tiny_encoder, sentences, size=100) for _ in range(2))
    assert first.model.config.pad_token_id == first.tokenizer.token_to_id("[PAD]")
    assert first.tokenizer.get_vocab() == second.tokenizer.get_vocab()


def test_any_earlier_step_can_teach(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path) -> None:
    """B13: the second distillation's teacher is a choice: the adapted model, the first student, or the pruned one."""
    world: World = make_world(tiny_encoder, sentences, tmp_path)
    fields = yaml.safe_load(world.recipe.read_text())
    keys = set()
    for teacher in ("adapt", "drop-layers", "distill", "prune-ffn"):
        fields["stages"][-1]["teacher"] = teacher
        recipe = parse_recipe(fields, "tiny")
        plan = make_plan(Request(recipe, world.teacher, "t", (Text(resolve("ilo"), world.corpus),)), Runtime())
        assert plan.student.inputs[Role("earlier", step=teacher)] == teacher
        keys.add(plan.student.key)
    assert len(keys) == 4
