"""Encodings of events, prefixes and whole traces."""
