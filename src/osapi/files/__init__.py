"""Uploaded files: kept in the broker, deployed to hosts, and what is known of where they are deployed."""
