"""One file a target: in which files a model is shipped. How they are made and run lies in the subfolders."""
