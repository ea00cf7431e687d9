"""What was measured, as typed values; JSON is how they are written and read, never what is passed around."""
