"""What a service tells Prometheus."""

from collections.abc import Iterator
from typing import Any, final

from cifarkit._extras import require
from cifarkit.serving._service import Service

_ROUTES = ("/", "/health", "/predict", "/predict/batch", "/metrics", "/docs")


@final
class Telemetry:
    """Counts of requests and batches, in a registry of this service alone."""

    def __init__(self, service: Service) -> None:
        self._client = client = require("prometheus_client", extra="serve")
        self._registry = client.CollectorRegistry()
        self._seconds = client.Histogram(
            "cifarkit_request_seconds",
            "Seconds from a request's first line to its answer.",
            ("route", "status"),
            registry=self._registry,
        )
        self._registry.register(_Queue(service))
        self.content_type = client.CONTENT_TYPE_LATEST

    def note(self, path: str, status: int, seconds: float) -> None:
        """Note one answered request."""
        route = path if path in _ROUTES else "other"
        self._seconds.labels(route, status).observe(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus' format."""
        return bytes(self._client.generate_latest(self._registry))


@final
class _Queue:
    """What the batcher knows, read when Prometheus asks."""

    def __init__(self, service: Service) -> None:
        self._batcher = service.batcher

    def collect(self) -> Iterator[Any]:
        """Yield the metrics, as Prometheus' client wants it."""
        core, batcher = require("prometheus_client.core", extra="serve"), self._batcher
        yield core.GaugeMetricFamily(
            "cifarkit_waiting_images", "Images that wait.", batcher.waiting
        )
        yield core.CounterMetricFamily(
            "cifarkit_batches", "Batches that ran.", batcher.batches
        )
        yield core.CounterMetricFamily(
            "cifarkit_images", "Images in them.", batcher.items
        )
