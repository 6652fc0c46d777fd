"""A host as a whole: its name, system, load, memory, disks and uptime."""
