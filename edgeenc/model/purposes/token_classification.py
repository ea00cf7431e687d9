"""One label a word: logits (B, T, C) of a linear layer on each token; a word's label is read at its first token.

Axis letters: B batch, T tokens, C labels.
"""

from __future__ import annotations

from edgeenc.model import answers
from edgeenc.model.graph_text import GraphText
from edgeenc.model.labelled import load_classifier, token_vectors
from edgeenc.model.purpose import CardWords, Head, Purpose, View

_ANSWER = r"""with open("config.json", encoding="utf-8") as file:
    labels = json.load(file)["id2label"]


def tags(text, words):  # words: where each begins and ends, such as
    # [found.span() for found in re.finditer(r"\w+|[^\w\s]", text)]
    offsets, logits = run(text)
    answer = []
    for start, end in words:
        tokens = [t for t, (a, b) in enumerate(offsets) if a < b and a < end and b > start]
        answer.append(labels[str(logits[0, tokens[0]].argmax())] if tokens else "")
    return answer"""

TOKEN_CLASSIFICATION = Purpose(
    name="token-classification",
    output="logits",
    auto_class="AutoModelForTokenClassification",
    load=load_classifier,
    exported=lambda model: model,
    head=Head(text=GraphText((1875, 5258), (3440, 8625)), outputs=lambda shape, labels: labels),
    view=View(vectors=token_vectors, choices=lambda bounds: bounds.label_agreement),
    card=CardWords(
        what="A tagger of words",
        output="logits, (1, tokens, labels); a word's label is read at its first token",
        first="0, 0",
        limit="It knows the labels in `config.json`; words are those of its training data, read as running text.",
        optimum_class="ORTModelForTokenClassification",
        answer=_ANSWER,
    ),
    answer=answers.tags,
    labelled="ForTokenClassification",
)
