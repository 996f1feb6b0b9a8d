"""Deliveries that are kept: each attempt a row of a Parquet file, by day.

    rows.py      what a log told, as a table
    parts.py     immutable files, written whole or not at all
    ledger.py    which parts count, and how far logs are read
    identity.py  what a log is known by, and which of its bytes are new
    key.py       the key that recipients are hashed with
    grounds.py   why mail was refused, told once for all rows that share it
    keeping.py   one step of storing: parts by day, committed with the position
    journal.py   which lines of a journal are new
    storing.py   one pass over logs that stores what is new
    feeding.py   one file or stream of it
    staging.py   a part of a log, stored by a worker; one process commits
    tailing.py   logs that are followed while they are written, through rotation
    living.py    the live tail, which becomes parts
    reading.py   what is stored, for whoever computes with it
    compacting.py  small parts become larger ones, old days are erased
    forgetting.py  an address goes from all of them
    merging.py   the process that makes one part of several
    worker.py    the process that computes: DuckDB in memory, below a limit
    asking.py    questions in SQL to it
    report.py    what `todoku logs` tells, told of what is stored

What counts is what the manifest names (`todoku.store.log_tables`): its row, and how far the log was
read, are written in one transaction after the file has its name.
"""
