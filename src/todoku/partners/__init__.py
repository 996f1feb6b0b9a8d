"""Partners: the domains one sends to, which lists they use, and what a listing would cost.

values.py      evidence: counts that add up in any order, and sentences that prove
gates.py       who runs a domain's mail
sentence.py    the words of a reply that prove the use of a list, without anybody's name
learning.py    deliveries to evidence
model.py       how likely it is that a partner uses a list
forecast.py    what a listing would cost
sharing.py     evidence as JSON lines, for other hosts
keeping.py     the file in which evidence is kept: the one module here that does I/O
"""
