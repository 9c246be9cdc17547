"""Event logs to numbers, fitted once and applied unchanged."""
