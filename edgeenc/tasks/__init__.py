"""Tasks: labelled data in, a head on an encoder, scores with intervals out."""
