"""From facts to what is shown: the headline, the answers, and a section for each thing a reader asks about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeenc.bench.host import Fact
from edgeenc.bench.latency import NOISY, Latency
from edgeenc.report.facts import Check, Facts, GateFacts, Parts
from edgeenc.report.table import (
    MISSING,
    Bar,
    Mark,
    Picture,
    Section,
    Table,
    bits,
    count,
    duration,
    figure,
    megabytes,
    millions,
    milliseconds,
    percent,
    rare,
    ratio,
    seconds,
)

FP32_BYTES = 4
WORST_LENGTH = 90
"""Characters of a gate's worst sentence that a table shows; report.json has all of it."""


def title(facts: Facts) -> str:
    """Return the title of the page."""
    return f"{facts['language']['name']} encoder ({facts['language']['tag']})"


def headline(facts: Facts) -> str:
    """Return the answer in one sentence: size, compression, latency, bits per character, gates."""
    size, precision = _shipped(facts)
    parts = [
        f"{megabytes(size)} MB ({precision}), {percent(facts['compression'])} smaller than its teacher"
        f" of {megabytes(facts['bytes']['teacher_fp32'])} MB"
    ]
    if (share := time_share(facts["latency"])) is not None:
        parts.append(f"a sentence takes {ratio(share)} of the teacher's time ({1 / share:,.1f} times as fast)")
    parts.append(_quality(facts))
    return "; ".join([*parts, _verdict(facts["gates"], "gate")]) + "."


def _quality(facts: Facts) -> str:
    """Return how the student stands to its teacher, in words that hold whichever of the two is better."""
    measured, kept = facts["bits_per_character"], advantage_kept(facts)
    pair = f"{bits(measured['student'])} bits per character, the untouched teacher {bits(measured['teacher'])}"
    if kept is None:
        return f"{pair}, a unigram table {bits(measured['unigram'])}"
    if kept > 1:
        return f"{pair}: better on this language than the model it came from"
    return f"{percent(kept)} of the teacher's advantage over a unigram table is kept ({pair})"


def answers(facts: Facts) -> Table:
    """Return the five figures a reader looks for first."""
    size, precision = _shipped(facts)
    measured, share = facts["bits_per_character"], time_share(facts["latency"])
    passed = sum(gate["passed"] for gate in facts["gates"])
    rows = (
        ("Size", f"{megabytes(size)} MB", f"{precision} file; {count(facts['student']['parameters'])} parameters"),
        ("Compression", percent(facts["compression"]), f"of {megabytes(facts['bytes']['teacher_fp32'])} MB saved"),
        (
            "Time per sentence",
            MISSING if share is None else f"{ratio(share)} ×",
            "not measured" if share is None else f"the teacher's; {1 / share:,.1f} times as fast",
        ),
        (
            "Quality kept",
            percent(advantage_kept(facts)),
            f"{bits(measured['student'])} bits per character; teacher {bits(measured['teacher'])}",
        ),
        ("Gates", f"{passed} of {len(facts['gates'])}", "passed"),
    )
    return Table("In short", ("", "Figure", "Meaning"), "lrl", rows)


def sections(facts: Facts) -> tuple[Section, ...]:
    """Return every section, in the order of the page."""
    latency = facts["latency"]
    return (
        sizes_section(facts),
        quality_section(facts),
        steps_section(facts),
        tokenizer_section(facts),
        gates_section(facts["gates"]),
        *([] if latency is None else [latency_section(latency)]),
        host_section(facts),
    )


def time_share(latency: Latency | None) -> float | None:
    """Return the shipped model's time as a share of the baseline's; the shipped model is the last one compared."""
    if latency is None or not latency["ratio"]:
        return None
    return list(latency["ratio"].values())[-1]["median"]


def advantage_kept(facts: Facts, model: str = "student") -> float | None:
    """Return the share of the teacher's advantage over the unigram table that a model has, in bits per character.

    Worked example: unigram 3, teacher 2 and student 2.25 bits give 0.75. None where the teacher has no advantage.
    """
    measured = facts["bits_per_character"]
    value = measured.get(model)
    advantage = measured["unigram"] - measured["teacher"]
    return None if value is None or advantage <= 0 else (measured["unigram"] - value) / advantage


def sizes_section(facts: Facts) -> Section:
    """Return the parameters by part after each step, and the bytes of the files."""
    held = [(step["name"], step["parts"]) for step in facts["steps"] if step["parts"] is not None]
    rows = tuple(
        (
            name,
            *(count(number) for number in (parts["embeddings"], parts["layers"], parts["head"], _total(parts))),
            megabytes(FP32_BYTES * _total(parts)),
        )
        for name, parts in held
    )
    head = ("After step", "Embeddings", "Layers", "Head", "Parameters", "MB as fp32")
    files = facts["bytes"]
    named = (
        ("Teacher, fp32", files["teacher_fp32"]),
        ("Student, fp32", files["fp32"]),
        ("Student, int8", files["int8"]),
    )
    saved = tuple((name, megabytes(n), percent(1 - n / files["teacher_fp32"])) for name, n in named if n is not None)
    return Section(
        "Sizes",
        pictures=(_sizes_picture(held, files["int8"]),),
        tables=(
            Table("Parameters by part", head, "lrrrrr", rows),
            Table("Exported files", ("ONNX file", "MB", "Saved"), "lrr", saved),
        ),
        notes=(
            "MB are a million bytes; as fp32 a parameter takes 4 bytes. Parameters are those of the masked-LM model,"
            " its output table shared with the embeddings and counted once.",
        ),
    )


def _sizes_picture(held: Sequence[tuple[str, Parts]], int8: int | None) -> Picture:
    """Return a bar for each step that changes the sizes, and one for the int8 file, all in megabytes."""
    changes = [held[i] for i in range(len(held)) if i == 0 or held[i][1] != held[i - 1][1]]
    bars = [
        Bar(
            name,
            f"{millions(_total(parts))} parameters, {megabytes(FP32_BYTES * _total(parts))} MB",
            tuple(FP32_BYTES * number / 1e6 for number in (parts["embeddings"], parts["layers"], parts["head"])),
        )
        for name, parts in changes
    ]
    keys: tuple[str, ...] = ("embeddings", "layers", "head")
    if int8 is not None:
        bars.append(Bar("int8 file", f"{megabytes(int8)} MB", (0.0, 0.0, 0.0, int8 / 1e6)))
        keys = (*keys, "int8 file, all parts")
    return Picture("Megabytes by part, after each step that changes them", keys, tuple(bars))


def _total(parts: Parts) -> int:
    return parts["embeddings"] + parts["layers"] + parts["head"]


def quality_section(facts: Facts) -> Section:
    """Return the bits per character of all models and the floors they are held against."""
    measured = facts["bits_per_character"]
    named = (
        ("Teacher, untouched", "teacher"),
        ("Student", "student"),
        ("Cut, before distillation", "cut"),
        ("Same shape, from random weights", "random"),
        ("Unigram table", "unigram"),
    )
    known = [(label, key, value) for label, key in named if (value := measured.get(key)) is not None]
    half = (measured["unigram"] + measured["teacher"]) / 2
    picture = Picture(
        "Bits per character on held-out text; fewer is better",
        ("bits per character",),
        tuple(Bar(label, bits(value), (value,), strong=key == "student") for label, key, value in known),
        (
            Mark(f"{bits(half)}: half of the teacher's advantage", half),
            Mark(f"{bits(measured['unigram'])}: unigram table", measured["unigram"]),
        ),
    )
    rows = tuple((label, bits(value), percent(advantage_kept(facts, key))) for label, key, value in known)
    head = ("Model", "Bits per character", "Advantage kept")
    floors = tuple((c["name"], ratio(c["figure"]), _bound(c, ratio), _passed(c)) for c in facts["floors"])
    tables = [Table("Bits per character", head, "lrr", rows)]
    if floors:
        tables.append(Table("Floors", ("Floor", "Figure", "Bound", "Result"), "lrrl", floors))
    return Section(
        "Quality",
        text=(_sentence(_verdict(facts["floors"], "floor")),) if floors else (),
        pictures=(picture,),
        tables=tuple(tables),
        notes=(
            "Of the words of the text 15 % are masked, the same words for every model; bits are those of all their"
            " pieces over the characters of these words. A word with an unknown piece costs as much as characters drawn"
            " blindly. Advantage kept is the share of the teacher's lead over the unigram table.",
        ),
    )


def steps_section(facts: Facts) -> Section:
    """Return what was done, how long it took and what shape came out."""
    names = ("layers", "hidden", "heads", "ffn", "vocab")
    rows = tuple(
        (
            step["name"],
            seconds(step["seconds"]),
            count(step["tokens"]),
            count(step["parameters"]),
            *(count((step["shape"] or {}).get(name)) for name in names),
        )
        for step in facts["steps"]
    )
    spent, tokens = sum(s["seconds"] for s in facts["steps"]), sum(s["tokens"] or 0 for s in facts["steps"])
    head = ("Step", "Seconds", "Tokens", "Parameters", "Layers", "Hidden", "Heads", "FFN", "Vocabulary")
    return Section(
        "Steps",
        text=(
            f"Recipe {facts['recipe']}, teacher {facts['teacher']['source']}; {count(tokens)} tokens trained on;"
            f" {duration(spent)} in all.",
        ),
        tables=(Table("Steps of the build", head, "l" + "r" * 8, rows),),
    )


def tokenizer_section(facts: Facts) -> Section:
    """Return the tokenizer's figures before and after trimming."""
    before, after = facts["tokenizer"]["before"], facts["tokenizer"]["after"]
    rows = (
        ("Vocabulary, pieces", count(before["vocab"]), count(after["vocab"])),
        ("Unknown pieces", rare(before["unknown_rate"]), rare(after["unknown_rate"])),
        ("Pieces per word", ratio(before["fertility"]), ratio(after["fertility"])),
    )
    kept = percent(facts["tokenizer"]["coverage"])
    return Section(
        "Tokenizer",
        text=(f"The kept pieces cover {kept} of the text as the teacher cuts it.",),
        tables=(Table("Tokenizer on held-out text", ("", "Before", "After"), "lrr", rows),),
    )


def gates_section(gates: Sequence[GateFacts]) -> Section:
    """Return the checks every exported file had to pass."""
    rows = tuple(
        (g["name"], figure(g["figure"]), g["unit"] or MISSING, _bound(g), _passed(g), _short(g["worst"] or MISSING))
        for g in gates
    )
    head = ("Gate", "Figure", "Unit", "Bound", "Result", "Worst on")
    return Section(
        "Gates",
        text=(_sentence(_verdict(gates, "gate")),),
        tables=(Table("Exported files against the model, on held-out text", head, "lrlrll", rows),),
    )


def latency_section(latency: Latency) -> Section:
    """Return milliseconds per sentence, with their noise."""
    models = latency["models"]
    bars = tuple(
        Bar(
            name,
            f"p50 {milliseconds(m['p50'])} ms, p90 {milliseconds(m['p90'])} ms",
            (m["p50"], m["p90"] - m["p50"]),
        )
        for name, m in models.items()
    )
    head = ("Model", "MB", "Pieces per sentence", "p50 ms", "p90 ms", "Spread of rounds", "Tokenizer p50 ms")
    rows = tuple(
        (
            name,
            megabytes(m["bytes"]),
            f"{m['tokens_per_sentence']:,.1f}",
            *(milliseconds(m[key]) for key in ("p50", "p90")),
            percent(m["spread"]),
            milliseconds(m["tokenizer_p50"]),
        )
        for name, m in models.items()
    )
    compared = tuple(
        f"{name} takes {ratio(r['median'])} of the time of {latency['baseline']} on the same sentence; for the middle"
        f" half of the sentences it is between {ratio(r['q25'])} and {ratio(r['q75'])}."
        for name, r in latency["ratio"].items()
    )
    rough = (f"The rounds differ by more than {percent(NOISY)}: this host was busy, take these times as rough.",)
    return Section(
        "Latency",
        text=(*compared, *(rough if latency["noisy"] else ())),
        pictures=(Picture("Milliseconds per sentence", ("up to p50", "from p50 to p90"), bars),),
        tables=(Table("Milliseconds per sentence of real text", head, "l" + "r" * 6, rows),),
        notes=(
            f"{latency['runtime']}, threads: {latency['threads']}, batch: {latency['batch']}, sentences:"
            f" {count(latency['sentences'])}, rounds: {latency['rounds']}. Models run by turns on each sentence in one"
            " fresh process, each fed by its own tokenizer, whose time stands apart. p50 and p90 are over the"
            " sentences; spread is slowest less fastest round of a sentence over its median."
            " Raw samples are in report.json.",
        ),
    )


def host_section(facts: Facts) -> Section:
    """Return the machine and the packages."""
    rows = tuple(_host_row(name.replace("_", " "), fact) for name, fact in facts["host"].items())
    versions = tuple({"edgeenc": facts["edgeenc"], **facts["versions"]}.items())
    return Section(
        "Host and versions",
        tables=(
            Table("Host", ("Fact", "Value"), "ll", rows),
            Table("Versions", ("Package", "Version"), "ll", versions),
        ),
    )


def _host_row(name: str, fact: Fact) -> tuple[str, str]:
    if isinstance(fact, list):
        return name, ", ".join(fact)
    if name.endswith(" bytes") and isinstance(fact, int):
        return name.removesuffix(" bytes"), f"{megabytes(fact)} MB"
    return name, count(fact) if isinstance(fact, int) else str(fact)


def _shipped(facts: Facts) -> tuple[int, str]:
    """Return bytes and precision of the smallest exported file."""
    sizes = facts["bytes"]
    return (sizes["fp32"], "fp32") if sizes["int8"] is None else (sizes["int8"], "int8")


def _verdict(checks: Sequence[Check], noun: str) -> str:
    failed = [check["name"] for check in checks if not check["passed"]]
    if failed:
        return f"{len(failed)} of {len(checks)} {noun}s failed: {', '.join(failed)}"
    return f"all {len(checks)} {noun}s passed" if checks else f"no {noun}s"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _passed(check: Check) -> str:
    return "passed" if check["passed"] else "failed"


def _bound(check: Check, write: Callable[[float], str] = figure) -> str:
    """Write a bound with the side it is on, which follows from figure and result; without it where both are equal."""
    if check["figure"] == check["bound"]:
        return write(check["bound"])
    return f"{'≤' if (check['figure'] < check['bound']) == check['passed'] else '≥'} {write(check['bound'])}"


def _short(text: str) -> str:
    return text if len(text) <= WORST_LENGTH else text[: WORST_LENGTH - 1].rstrip() + "…"
