"""One file a task kind: what is labelled, and how."""
