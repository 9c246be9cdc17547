"""What happens next in a running case."""
