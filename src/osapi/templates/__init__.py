"""Templates of files: what may be written in them, whether it is right, and rendering it within bounds.

Written in Jinja2. Templates in the syntax of Go that use its simple forms are translated first. Rendering
whatever somebody has uploaded is done by a program of its own (`confined`), which may do nothing else.
"""
