"""The border: a task among an app's own hooks and extensions, under every WSGI server people use.

    customization.py what a customization is: something of an app's own that would answer a task
    hooks.py         customizations that are hooks and signal receivers
    app_parts.py     customizations that are error pages, sessions, routes, app classes, inner middleware
    bodies.py        customizations that read the request's body, and handlers that read it in every way
    extensions.py    customizations that are real extensions, each with and without its exemption
    app.py           an app with tasks and one customization
    dispatcher.py    what is served: all these apps, of which a header of the request chooses one
    servers.py       the servers: how each is started, and what is known of it
    served.py        a running server, its ledger, and what its apps have done
    framing.py       requests whose bodies are framed in every way, and what each must be answered
    programs/        what changes a process for good, and so has one of its own: Sentry, OpenTelemetry

Every test asserts the answer *and* the ledger's record, because of the one invariant that all of this is
about: no 2xx without a recorded end. `make test` plays a core of the servers, `make servers` all of them.
"""
