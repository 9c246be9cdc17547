"""Results to text and to JSON: knows no files and no terminal."""
