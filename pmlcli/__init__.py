"""pmlcli: machine learning on process-mining event logs, kept in model directories that prove themselves."""

__version__ = "0.1.0"
