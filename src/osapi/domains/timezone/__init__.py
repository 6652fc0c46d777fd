"""The time zone of a host."""
