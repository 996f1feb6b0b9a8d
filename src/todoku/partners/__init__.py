"""Partners: the domains one sends to, which lists they use, and what a listing would cost.

values.py      evidence: counts that add up in any order, and sentences that prove
gates.py       who runs a domain's mail
sentence.py    the words of a reply that prove the use of a list, without anybody's name
learning.py    deliveries to evidence (`stored.py`: those that are stored, in SQL;
               `from_cases.py`: refusals of cases; `listings.py`: when one was listed)
hearing.py     parts of logs to what they tell, in whichever process reads them
summary.py     evidence as it is asked: columns in which each partner has a place
model.py       how likely it is that a partner uses a list
habits.py      what was seen of partners about a list
forecast.py    what a listing would cost (`judged.py`: by partner; `draws.py`: mean and range of all)
costs.py       what a block costs, for `--by-cost`
sharing.py     evidence as JSON lines, for other hosts
keeping.py     what is kept, the one thing here that does I/O (`kept_file.py`: its file,
                   `kept_rows.py`: what stands in it)
"""
