"""DNS blocklists: what to ask, how it is asked, and what the answers mean.

    identities ─▶ names ─▶ engine ─▶ wire ─▶ Answer ─▶ judging ─▶ Finding
                             ▲                 │
              plan, budgets, health          kept (SQLite)

Everything but `engine`, `servers`, `kept` and `checking` is a function of bytes and values.
"""
