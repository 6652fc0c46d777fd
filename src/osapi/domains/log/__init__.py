"""The journal of a host: its latest entries, those of one unit, and who writes to it."""
