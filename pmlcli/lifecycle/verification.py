"""Verification of a model directory, `replay` included. Imports no numeric library below that rung."""

from __future__ import annotations
