"""One file a purpose: what an exported model computes."""
