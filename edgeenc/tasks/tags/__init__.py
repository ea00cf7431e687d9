"""Tags of spans: their schemes, read as IOB2, and tagged words as the running text that an app has."""
