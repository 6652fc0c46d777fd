"""The embedded broker: runs the nats-server program with a generated configuration and keeps it running.

`python -m osapi.broker` is the program. What OSAPI stores in the broker is made by the controller; an
external server or cluster needs nothing from here.
"""
