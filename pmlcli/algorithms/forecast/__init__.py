"""The next values of a KPI."""
