"""Writes `namespaces.py` and `aio_namespaces.py` from the declared operations: `python -m osapi.sdk.generate`.

Not loaded by any program. Generated text is committed, so that a public change of the SDK shows in a review
and type checkers see plain code.
"""
