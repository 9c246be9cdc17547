"""Algorithms that predict how running cases end."""
