"""The things OSAPI manages, one folder each. They are strangers to one another.

A folder holds `models.py`, `operations.py`, `provider.py`, and one file of implementation for each
family of systems; `discovery.py` finds them by listing this folder, so that nothing central is edited
when one is added.
"""
