"""The border: a task among an app's own hooks and extensions, under every WSGI server people use.

    app.py          what is served: for each neighbour an app of its own, chosen by a header
    hooks.py        neighbours that an app itself registers: hooks, sessions, signals, error pages, routes
    bodies.py       neighbours that read the request's body, and handlers that read it in every way
    extensions.py   neighbours that are real extensions, each with and without its exemption
    servers.py      the servers: how each is started, and what is known of it
    served.py       a running server, its ledger, and what its apps have done
    framing.py      requests whose bodies are framed in every way, and what each must be answered

Every test asserts the answer *and* the ledger's record, because of the one invariant that all of this is
about: no 2xx without a recorded end. `make test` plays a core of the servers, `make servers` all of them.
"""
