"""Reading object-centric logs."""
