"""Uploaded files on a host: put in place, compared, taken away again."""
