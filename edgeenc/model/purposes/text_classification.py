"""One label a text: logits (B, C) of a dense layer with tanh on the first token and a linear one.

Axis letters: B batch, C labels.
"""

from __future__ import annotations

from edgeenc.model import answers
from edgeenc.model.graph_text import GraphText
from edgeenc.model.labelled import load_classifier, text_vectors
from edgeenc.model.purpose import CardWords, Head, Purpose, View

_ANSWER = r"""with open("config.json", encoding="utf-8") as file:
    labels = json.load(file)["id2label"]


def label(text):
    _, logits = run(text)
    return labels[str(logits[0].argmax())]"""

TEXT_CLASSIFICATION = Purpose(
    name="text-classification",
    output="logits",
    auto_class="AutoModelForSequenceClassification",
    load=load_classifier,
    exported=lambda model: model,
    head=Head(
        text=GraphText((2180, 5260), (4300, 8625)),
        outputs=lambda shape, labels: shape.hidden + labels,
    ),
    view=View(vectors=text_vectors, choices=lambda bounds: bounds.label_agreement),
    card=CardWords(
        what="A classifier of texts",
        output="logits, (1, labels)",
        first="0",
        limit="It knows the labels in `config.json` and always says one of them.",
        optimum_class="ORTModelForSequenceClassification",
        answer=_ANSWER,
    ),
    answer=answers.labels,
    labelled="ForSequenceClassification",
)
