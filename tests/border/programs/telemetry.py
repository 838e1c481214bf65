"""The spans that OpenTelemetry's Flask instrumentation makes of deliveries, kept in memory."""

from __future__ import annotations

import sys
from functools import partial

from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.border.programs.deliveries import deliver_each, say, watched_app

if __name__ == "__main__":
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    watch = partial(FlaskInstrumentor().instrument_app, tracer_provider=provider)
    if "late" in sys.argv:
        app = watched_app()
        watch(app)
    else:
        app = watched_app(watch)
    deliver_each(app)
    say(
        [
            [span.name, [str((event.attributes or {})["exception.type"]) for event in span.events]]
            for span in exporter.get_finished_spans()
        ]
    )
