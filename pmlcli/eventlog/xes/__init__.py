"""Reading and writing XES."""
