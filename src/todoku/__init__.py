"""todoku: from "my mail is refused" to "it arrives again, and the people know it"."""

__version__ = "0.1.0"
