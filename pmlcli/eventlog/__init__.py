"""What an event log is, and how one is read, split and written."""
