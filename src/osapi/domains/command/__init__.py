"""Programs and shell text that a caller runs on a host."""
