"""How a running case goes on until its end."""
