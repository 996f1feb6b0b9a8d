"""What on our side earned a block: from our own logs, around its time.

    Delivery ─▶ tally ─▶ View: days of each user, sender, client, script ─▶ patterns ─▶ Cause

    values.py       what is told
    tally.py        counts by who and hour, in bounded memory
    view.py         the days before, and the three days that end with the block
    jumps.py        volume, mail taken for spam, recipients that do not exist
    password.py     a password that others have
    forwarding.py   mail of strangers, sent on
    backscatter.py  notifications to people who sent nothing
    looking.py      all patterns in turn, and what could not be looked at

Pure. Refusals of the block itself are its effect, and accuse nobody: only what answers say of the mail
itself counts (spam, malware, a recipient that does not exist). docs/cause.md has the figures.
"""
