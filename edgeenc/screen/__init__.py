"""What a terminal shows: one moving line, and tables of numbers."""
