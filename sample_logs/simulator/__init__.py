"""A purchase-to-pay process in a small company, simulated in whole-number arithmetic."""

from simulator.model import SimulatedLog, simulate

__all__ = ["SimulatedLog", "simulate"]
