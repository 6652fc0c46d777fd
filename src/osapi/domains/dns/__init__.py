"""Name servers and search domains of a host, per interface."""
