"""Hand-written ground that generated clients stand on.

Reading order: `operation` (what generated code says), `core` (what its methods do), `session`
(attempts and errors), `starting`, `ledger`, `recovery` and `history` (money), `polling`, `paging`,
`files`. All of it is written once, as coroutines over the IO of `exchange`; `http` has the two
kinds of IO, one that blocks and one of asyncio.
"""
