"""Packages of the distribution: what is installed, what could be newer, install, remove, refresh the lists."""
