"""What each kind of step does, a file a kind: from the folders of its inputs to files in its own, and figures."""
