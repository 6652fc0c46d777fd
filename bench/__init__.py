"""Measures OSAPI against its goals P1 to P8, as ratios within one run.

Everything runs on one machine: a real broker with the product's own configuration, a real controller, real
agents, and beside them, in turns, what they are held against: one bare publish and request (`base`), the
sequence of calls of the product that OSAPI replaces (`original`), and a bare fan-out (`fanout`). Machines
differ and are noisy; ratios of things measured in turns are what can be compared.
"""
