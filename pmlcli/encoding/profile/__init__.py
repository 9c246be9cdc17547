"""The groups of columns that a case profile is made of: flow, resources, times and attributes."""
