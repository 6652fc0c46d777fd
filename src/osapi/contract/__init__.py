"""Pure data that every part of OSAPI shares: operations, targets, jobs, results and errors.

Imports msgspec and the standard library only. Who reads or writes these values is decided elsewhere.
"""
