"""Whole mail logs: every attempt to deliver, who refuses us since when, and whose mail it is.

    pieces of a log ─▶ reader ─▶ Delivery ─▶ sums ─▶ Summary, one RefusalGroup a kind of refusal

    opening.py   files, folders and streams, packed or not
    values.py    what comes out
    run.py       one pass: what is asked, what was read so far
    reader.py    recognises what it is given, line by line where nothing faster is known
    pieces.py    a piece made ready for the walk, or read for messages alone
    postfix.py   Postfix in bulk: one expression walks over whole pieces of a log
    wrapped.py   journal and container logs: JSON and prefixes taken off
    messages.py  what a log tells of a message apart from its deliveries, in bounded memory
    arrivals.py  who handed it in, by Exim, sendmail and Exchange
    clock.py     stamps to seconds, the year inferred
    masking.py   what belongs to the single message taken out of a reply
    judging.py   one diagnosis for each masked reply
    sums.py      counted by receiver, reason, code, list and identity
    daily.py     mail by day, for early warning (change.py, warning.py)
    parts.py     logs cut into parts, each with what stands before it
    engine.py    one part read in any process, all of them put together
    workers.py   the processes: of this machine, or of a cluster

`todoku.reading.logs` knows the words of each mail server and serves here too; this room adds whole
logs: time, correlation, speed. Pure but for opening.py, parts.py and workers.py: bytes, the time and the zone come in as
arguments.
"""
