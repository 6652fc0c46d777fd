"""The agent: hears jobs, checks them, runs them through providers, answers, and says that it is alive.

`app` builds the parts and hands them down: `listener` and `puller` hear, `intake` decides, `worker` runs what `slots`
lets begin, `execution` finds and calls the provider, `ledger` remembers, `reporter` answers, `greeting`
asks for what was missed, `heartbeat` says that we live.
"""
