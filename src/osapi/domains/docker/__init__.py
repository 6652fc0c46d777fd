"""Containers and images of a container engine, Docker or Podman."""
