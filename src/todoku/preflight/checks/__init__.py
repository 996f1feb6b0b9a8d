"""One file a check. To add one: copy `mx.py`, whose shape all have, and name it in `running`.

Each has `WORDS` (title, wanted, why; `found.<key>` and `remedy.<key>` for each finding), `SHEET`
with its sources, and `look(ask, ..., lang)`, which asks by `ask` and judges: no clock, no sockets.
"""
