"""The daemon: a worker that does what is due in the cases, and what it needs of the world."""
