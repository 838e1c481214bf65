"""The border: a task among an app's own hooks and extensions, under every WSGI server people use.

    neighbour.py    what a neighbour is: something of an app's own that would answer a task
    hooks.py        neighbours that are hooks and signal receivers
    surroundings.py neighbours that are error pages, sessions, routes, classes of an app, inner middleware
    bodies.py       neighbours that read the request's body, and handlers that read it in every way
    extensions.py   neighbours that are real extensions, each with and without its exemption
    app.py          an app with tasks and one neighbour
    front.py        what is served: the apps of all neighbours, of which a header chooses one
    servers.py      the servers: how each is started, and what is known of it
    served.py       a running server, its ledger, and what its apps have done
    framing.py      requests whose bodies are framed in every way, and what each must be answered
    programs/       what changes a process for good, and so has one of its own: Sentry, OpenTelemetry

Every test asserts the answer *and* the ledger's record, because of the one invariant that all of this is
about: no 2xx without a recorded end. `make test` plays a core of the servers, `make servers` all of them.
"""
