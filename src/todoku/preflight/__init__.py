"""What a server needs before it sends: the day before a move, and an address with an unknown past.

    values     Subject, Check, Report, and the verdict (pure)
    dns        a resolver asked, three-valued, everything asked kept as evidence
    checks/    one file a check: `look(ask, subject, ...)` gives `Check`s; DNS comes in as `ask`
    running    all of them side by side, told as they come
    plan       steps in the DNS for a move; letter: to the hoster, when the address carries a past

Nothing here sends mail or opens a connection to a receiver.
"""
