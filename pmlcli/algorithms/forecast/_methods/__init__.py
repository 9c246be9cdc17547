"""Forecasting methods that several algorithms share."""
