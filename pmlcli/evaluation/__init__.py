"""Metrics and comparisons over arrays: knows no algorithm and no log."""
