"""The one way in which OSAPI puts files of its own on a host, compares them, and takes them away again."""
