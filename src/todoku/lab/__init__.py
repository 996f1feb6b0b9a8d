"""The world of the story on loopback: a name server with blocklists, receivers with a list of their
own, a sending server. `world.Lab` holds it together; `clock` is its one time.
"""
