"""Anomaly detection: which cases are unlike the others."""
