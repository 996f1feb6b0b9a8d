"""Bytes to refusals. `read` is the front door."""

from todoku.reading.door import read, split_mbox

__all__ = ["read", "split_mbox"]
