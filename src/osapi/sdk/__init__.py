"""How programs speak to a controller: `client.Client`, `aio.AsyncClient`, and what both are made of.

    client.py, aio.py        the two clients: typed operations, jobs, agents, health
    namespaces.py, …         generated: `client.node("web-01").sysctl.create(key=…, value=…)`
    wire.py, results.py      an operation and its request to an HTTP request, the answer to `Results`
    raw.py, connection.py    one HTTP exchange with retries, on sockets alone
    request.py, calls.py     every request as a value, the same for both clients and the CLI
    events.py                server-sent events

`raw`, `request`, `calls`, `errors` and `events` import neither msgspec nor anything of the operations: the CLI
starts with them alone.
"""
