"""Refusal and knowledge to `Diagnosis`: who refused, why, by which list, and the way out.

Pure: the knowledge comes in, nothing is asked of disk, network or clock. No receiver, list or
product has its name in this room; what is known of them is data (`todoku/knowledge/data`).

    weighing.py    which rule wins
    receivers.py   who refused: the answering host, words of its own, the recipient's domain
    identities.py  what of the sender's the text names as the ground
    blocklists.py  which list was consulted
    sisimai.py     the verdict in Sisimai's words
    judge.py       the whole, put together
"""

from todoku.diagnosis.judge import Diagnoser, Own

__all__ = ["Diagnoser", "Own"]
