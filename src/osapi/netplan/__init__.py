"""Configuration of the network by netplan, on any host that has it; see netplan(5).

`tree` knows what netplan reads and what it makes of several files, `places` where OSAPI's own definitions go,
`takeover` what other files say against them, `change` how a definition comes into force, on trial, and
goes again. `seen` reads it all. For every domain that configures interfaces.
"""
