"""What each kind of step does: from the folders of its inputs to files in its own folder, and figures."""
