"""The REST API: assembles the routes of all slices and serves them over HTTP.

Knows kinds of operations and endpoints, never their names. What is asked of hosts goes through `jobs`.
"""
