"""Stages as a recipe names them: frozen specs and arithmetic on shapes, for which no library of tensors is loaded."""
