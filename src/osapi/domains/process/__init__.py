"""Processes of a host: see them, send them signals."""
