"""KPI series and what goes with them."""
