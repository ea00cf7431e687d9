"""Tables, numbers, plots and the page they stand on; nothing here knows what was measured."""
