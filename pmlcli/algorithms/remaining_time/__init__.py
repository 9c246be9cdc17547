"""How long a running case still takes."""
