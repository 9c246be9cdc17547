"""Model directories: manifest, artifacts, verified reading and safe publication."""
