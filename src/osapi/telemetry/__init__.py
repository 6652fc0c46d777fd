"""What the programs tell about themselves. `log` writes events with fields to standard error."""
