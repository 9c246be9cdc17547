"""How a learner's state becomes bytes and back: one module a container, nothing in it runs code.

These modules import numpy; `pmlcli.store` itself does not import them. scikit-learn, joblib and
safetensors are imported by the functions that need them.
"""
