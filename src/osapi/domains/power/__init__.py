"""Reboot and shutdown of a host, scheduled so that the answer arrives before the host goes."""
