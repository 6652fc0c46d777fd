"""The command line: `osapi`."""
