"""Jobs: record, routing, signing, status, store, delivery and collection.

Knows kinds of operations, never their names, and never the fleet: who is expected to answer is told
by the caller.
"""
