"""The broker, and nothing above it: streams, buckets, queues and plain messages over NATS.

This is the only package that imports the NATS client. It knows subjects, keys and bytes; what they
mean is said by `jobs`, `fleet` and the others.
"""
