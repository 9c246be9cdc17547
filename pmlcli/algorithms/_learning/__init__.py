"""Learners and how they are trained and calibrated; knows no task."""
