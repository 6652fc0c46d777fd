"""Fakes that pass the same tests as what they stand for, for our own tests and those of others."""
