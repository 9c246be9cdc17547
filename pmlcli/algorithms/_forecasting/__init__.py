"""Forecasting methods as pure functions: `learn` a series, `forecast` it or a longer one from that."""
