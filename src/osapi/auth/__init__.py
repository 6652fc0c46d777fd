"""Who may do what: tokens, the keys that sign them, permissions, roles and revocation.

Knows nothing of HTTP; the controller asks, and the CLI issues. Time is passed in.
"""
