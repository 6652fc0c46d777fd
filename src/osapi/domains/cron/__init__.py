"""Jobs of cron(8)."""
