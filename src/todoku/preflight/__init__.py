"""What a server needs before it sends: the day before a move, and an address with an unknown past.

    values     Subject, Check, Report, and the verdict (pure)
    dns        a resolver asked, three-valued, everything asked kept as evidence
    checks/    one file a check: `look(ask, subject, ...)` gives `Check`s; DNS comes in as `ask`, one's own
               servers as a `Fetch`, what receivers said as `Trial`s
    fetch      one's own servers, met: web (HTTP), incoming (SMTP); sts and tlsa read what they show (pure)
    outgoing   receivers' servers, met from the new host: greeting and EHLO, no mail
    trials     what receivers said when they were asked; who asks them comes in from outside
    running    all of them side by side, told as they come
    plan       steps in the DNS for a move; warm_up: days and volumes; letter: to the hoster, when the
               address carries a past

No mail is sent.
"""
