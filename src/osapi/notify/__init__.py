"""Messages to people when something is wrong, once, and when it is well again."""
