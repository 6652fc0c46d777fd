"""Groups of a host: who belongs together."""
