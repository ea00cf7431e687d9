"""Run a model as numpy in, numpy out, whatever its engine."""
