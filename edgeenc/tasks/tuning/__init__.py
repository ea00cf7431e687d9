"""Fine-tuning: a head, and adapters, trained on the examples of a task."""
