"""Who asked for what, from where, and what came of it: written before the effect, chained, and shown."""
