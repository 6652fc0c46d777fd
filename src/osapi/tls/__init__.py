"""TLS for every program: certificates read and checked, contexts for serving and for calling, pins, and what went wrong in words.

Files and contexts only: settings, logs with fields and connections belong to those above.
"""
