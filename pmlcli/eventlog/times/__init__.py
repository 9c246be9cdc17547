"""Reading times and durations."""
