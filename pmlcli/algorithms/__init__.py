"""The algorithms: `<task>/<name>.py`, one file each; the path is the registry."""
