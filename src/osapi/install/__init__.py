"""Makes broker, controller and agent services of this machine, and takes them away again."""
