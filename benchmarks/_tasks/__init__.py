"""How each predictive task is measured on a part of a log; `benchmarks/predictive.py` runs them."""
