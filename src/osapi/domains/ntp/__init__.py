"""Servers from which a host takes the time, by chrony."""
