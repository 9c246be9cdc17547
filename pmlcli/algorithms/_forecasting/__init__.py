"""Forecasting methods as pure functions: `learn` a series, `forecast` it or a longer one from that."""

import logging

# Prophet reports, while it is imported, that it cannot draw interactive plots: nobody asked it to.
logging.getLogger("prophet.plot").disabled = True
