"""How everything fares: components, broker, streams, buckets, jobs, agents. For operators, with a token."""
