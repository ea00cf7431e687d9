"""The machine that runs this: its disk, its memory, its processors, and what can be said of them."""
