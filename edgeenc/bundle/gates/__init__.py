"""One file a gate: what must hold before a model is published, measured on real text after every change to a graph."""
