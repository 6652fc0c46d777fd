"""A file of a host, brought to whoever asks for it and may have it."""
