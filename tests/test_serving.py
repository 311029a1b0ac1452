"""The services over real sockets: one answer, honest refusals, nobody lost."""

import asyncio
import gc
import io
import json
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image

from cifarkit._errors import InvalidArgument, TooLate
from cifarkit.prediction import Predictor
from cifarkit.serving import Limits, fastapi_app, flask_app, run
from cifarkit.serving._routes import build
from cifarkit.serving._server import Server
from cifarkit.serving._service import Service, service_of
from services import NAMES, classifier, free_port, png, running

pytestmark = pytest.mark.alone  # real services, kills, seconds

BEGUN = (  # a request of which more is to come
    b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
)
LIMITS = Limits(body=200_000, receive=1.0, waiting=64, pixels=10_000)


@pytest.fixture(scope="module")
def predictor():
    """The small network."""
    return Predictor(classifier(), NAMES)


@pytest.fixture(scope="module")
def url():
    """The address of a real service that is warm."""
    served = Predictor(classifier(), NAMES)
    with running(fastapi_app(served, limits=LIMITS)) as address:
        wait_until_ready(address)
        yield address


@pytest.fixture(scope="module")
def flask():
    """A client of the Flask application."""
    client = flask_app(classifier(), NAMES, limits=LIMITS).test_client()
    while client.get("/health").status_code != 200:
        time.sleep(0.01)
    return client


def wait_until_ready(address):
    """Wait for the first answer of a warm model."""
    for _ in range(1000):
        if httpx.get(f"{address}/health").status_code == 200:
            return
        time.sleep(0.02)
    raise AssertionError("never ready")


def post(url, *contents, route="/predict", **options):
    """Send files, and return the answer."""
    field = "file" if route == "/predict" else "files"
    files = [(field, (f"secret-{n}.png", c)) for n, c in enumerate(contents)]
    return httpx.post(url + route, files=files, timeout=20, **options)


def code(answer):
    """Return status and code of an error, whose shape is checked."""
    body = answer.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["code", "message"]
    assert "secret" not in answer.text
    return answer.status_code, body["error"]["code"]


def test_an_image_gets_the_answer_of_the_predictor(url, predictor):
    """With all probabilities, in label order."""
    answer = post(url, png())
    assert answer.status_code == 200
    assert answer.json() == predictor(png()).to_dict()
    assert list(answer.json()["probabilities"]) == list(NAMES)


def test_a_batch_is_answered_in_order(url, predictor):
    """1 to 32 images."""
    contents = [png(seed) for seed in range(32)]
    found = post(url, *contents, route="/predict/batch").json()["predictions"]
    wanted = predictor.batch(contents)
    assert [each["predicted_class"] for each in found] == [w.name for w in wanted]
    one = post(url, contents[0], route="/predict/batch").json()["predictions"]
    assert one[0]["predicted_class"] == found[0]["predicted_class"]


def test_the_state_is_told(url):
    """A process that lives, a model that is ready, figures for Prometheus, the docs."""
    assert httpx.get(url).json()["status"] == "ok"
    health = httpx.get(f"{url}/health").json()
    assert (health["status"], health["classes"]) == ("ok", list(NAMES))
    post(url, png())
    text = httpx.get(f"{url}/metrics").text
    pattern = r'request_seconds_count\{route="/predict",status="200"\} [1-9]'
    assert re.search(pattern, text)
    assert re.search(r"cifarkit_images_total [1-9]", text)
    page = httpx.get(f"{url}/docs").text
    assert "/static-offline-docs/swagger-ui-bundle.js" in page
    assert "//cdn" not in page


@pytest.mark.parametrize(
    ("contents", "route", "wanted"),
    [
        ([b"%PDF-1.7"], "/predict", (415, "unsupported_format")),
        ([b""], "/predict", (415, "unsupported_format")),
        ([png()[:60]], "/predict", (422, "invalid_request")),
        ([], "/predict/batch", (422, "invalid_request")),
        ([png()] * 33, "/predict/batch", (422, "invalid_request")),
        ([png(), b"text", png()], "/predict/batch", (415, "unsupported_format")),
        ([png() + bytes(300_000)], "/predict", (413, "too_large")),
    ],
)
def test_what_cannot_be_answered_is_refused(url, flask, contents, route, wanted):
    """By both services, with one status, one code, and no file name."""
    assert code(post(url, *contents, route=route)) == wanted
    field = "file" if route == "/predict" else "files"
    files = [(field, (io_of(content), "secret.png")) for content in contents]
    data = {field: [each for _, each in files]} if files else {}
    answer = flask.post(route, data=data, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["error"]["code"]) == wanted


def io_of(content):
    """Return bytes as a file."""
    return io.BytesIO(content)


def test_the_33rd_image_is_refused_before_any_is_decoded(predictor, monkeypatch):
    """However broken they are, the number is what is said."""
    service = Service(predictor, Limits())

    def prepared(*given):
        raise AssertionError("decoded")

    monkeypatch.setattr(Predictor, "prepared", prepared)
    with pytest.raises(InvalidArgument, match=r"1 to 32 images .*; received 33"):
        service.prepared([png()] * 33, service.ends())
    service.stop()


def test_nothing_is_decoded_for_nobody(predictor, monkeypatch):
    """Thirty-two large images take longer than their caller waits."""
    service = Service(predictor, Limits(deadline=0.2))
    decoded = []

    def prepared(self, item):
        decoded.append(item)
        time.sleep(0.15)

    monkeypatch.setattr(Predictor, "prepared", prepared)
    with pytest.raises(TooLate, match=r"within 0\.2 seconds"):
        service.prepared([png()] * 32, service.ends())
    assert 1 <= len(decoded) < 32
    service.stop()


def test_few_images_are_decoded_at_a_time(predictor, monkeypatch):
    """Each may take hundreds of megabytes; who waits too long for a turn is told."""
    monkeypatch.setattr("cifarkit.serving._service.cores", lambda: 64)
    service, busy, most = Service(predictor, Limits()), [], []
    go_on = threading.Event()

    def prepared(self, item):
        busy.append(item)
        most.append(len(busy))
        go_on.wait(60)
        busy.remove(item)

    monkeypatch.setattr(Predictor, "prepared", prepared)
    with ThreadPoolExecutor(7) as pool:
        ends = time.monotonic() + 60
        done = [pool.submit(service.prepared, [bytes([n])], ends) for n in range(7)]
        while len(busy) < 4:
            time.sleep(0.01)
        with pytest.raises(TooLate):
            service.prepared([b"late"], time.monotonic() + 0.1)
        go_on.set()
        assert [each.result() for each in done] == [[None]] * 7
    assert max(most) == service.decoders == 4
    service.stop()


def test_a_predictor_stays_as_its_owner_made_it():
    """A service keeps to limits of its own."""
    own = Predictor(classifier(), NAMES, max_pixels=10**6)
    own.batch_size = 7
    service = Service(own, Limits(pixels=100))
    service.warm()
    service.stop()
    assert service.predictor.max_pixels == 100
    assert (own.max_pixels, own.batch_size) == (10**6, 7)


def test_several_images_where_one_is_meant_are_refused(url, flask):
    """Not the first of them classified here, and the last there."""
    answer = post(url, png(0), png(1))
    assert code(answer) == (422, "invalid_request")
    form = {"file": [(io_of(png(0)), "a.png"), (io_of(png(1)), "b.png")]}
    told = flask.post("/predict", data=form)
    assert told.status_code == 422
    assert told.json == answer.json()


@pytest.mark.parametrize("form", [{}, {"file": "text"}])
def test_flask_names_the_field_that_it_wants(flask, form):
    """A text in it is no file."""
    told = flask.post("/predict", data=form, content_type="multipart/form-data")
    assert told.status_code == 422
    assert "one image as a file in the field 'file'" in told.json["error"]["message"]


def test_a_wrong_method_is_told_the_right_ones(url, flask):
    """As HTTP demands."""
    told, other = flask.get("/predict"), httpx.get(f"{url}/predict")
    assert told.status_code == other.status_code == 405
    assert told.json["error"]["code"] == "method_not_allowed"
    assert "POST" in told.headers["Allow"]
    assert other.headers["Allow"] == "POST"


def test_a_full_disk_is_no_bad_request(url, monkeypatch, caplog):
    """What is uploaded is held in a temporary file above a megabyte."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", full)
    assert code(post(url, png())) == (500, "internal_error")
    assert "could not be held" in caplog.text


def test_a_model_that_hangs_does_not_hold_up_the_end():
    """Platforms kill after ten seconds, of which nine were for requests."""
    predictor = Slow()
    service = Service(predictor, LIMITS)
    service.submit([None])
    assert predictor.entered.wait(5)
    began = time.monotonic()
    service.stop()
    assert time.monotonic() - began < 3
    predictor.go.set()


def test_who_waits_in_python_is_told_of_the_deadline(predictor, monkeypatch):
    """As `predict` says; and the image is not classified for nobody."""
    service = Service(predictor, Limits(deadline=0.01))
    monkeypatch.setattr(service.batcher, "submit", lambda *_, **__: Future())
    with pytest.raises(TooLate, match=r"within 0\.01 seconds"):
        service.predict([png()])
    service.stop()


def test_both_services_say_the_same(url, flask, predictor):
    """One image through FastAPI, Flask and the predictor."""
    data = {"file": (io_of(png(3)), "a.png")}
    wanted = predictor(png(3)).to_dict()
    assert flask.post("/predict", data=data).json == wanted == post(url, png(3)).json()
    files = {"files": [(io_of(png(seed)), "a.png") for seed in range(5)]}
    found = flask.post("/predict/batch", data=files).json
    contents = [png(seed) for seed in range(5)]
    assert found == post(url, *contents, route="/predict/batch").json()


@pytest.mark.parametrize(
    ("method", "route", "options", "wanted"),
    [
        ("GET", "/nothing", {}, (404, "not_found")),
        ("GET", "/predict", {}, (405, "method_not_allowed")),
        ("POST", "/predict", {"data": {"a": "b"}}, (422, "invalid_request")),
        ("POST", "/predict", {"json": {}}, (422, "invalid_request")),
        (
            "POST",
            "/predict",
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
            (400, "bad_request"),
        ),
    ],
)
def test_other_requests_are_refused_in_the_same_shape(
    url, method, route, options, wanted
):
    """Whoever refuses them, the framework or we."""
    assert code(httpx.request(method, url + route, **options)) == wanted


def test_a_body_without_a_length_is_counted_as_it_comes(url):
    """Chunks have no length: reading stops at the limit."""

    def chunks():
        part = b'form-data; name="file"; filename="a"\r\n\r\n'
        yield b"--x\r\nContent-Disposition: " + part
        for _ in range(100):
            yield bytes(10_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = httpx.post(f"{url}/predict", content=chunks(), headers=headers)
    assert code(answer) == (413, "too_large")
    assert post(url, png()).status_code == 200


def test_a_body_that_dribbles_is_cut(url):
    """Uvicorn alone would wait for as long as a byte comes now and then."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(BEGUN)
        connection.settimeout(0.2)
        began, answer = time.monotonic(), b""
        while not answer and time.monotonic() - began < 10:
            try:
                answer = connection.recv(4096)
            except TimeoutError:
                connection.sendall(b"x")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_timeout" in answer
    assert 0.5 < time.monotonic() - began < 5


def test_every_answer_has_an_id(url):
    """The caller's own if it is harmless, and no sniffing of types."""
    given = post(url, png(), headers={"X-Request-ID": "abc-1.2"})
    assert given.headers["X-Request-ID"] == "abc-1.2"
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    for bad in ("a b", "x" * 65, "<script>"):
        found = post(url, b"no image", headers={"X-Request-ID": bad})
        assert re.fullmatch("[0-9a-f]{12}-[0-9]+", found.headers["X-Request-ID"])


def test_no_answer_goes_to_another(url, predictor):
    """8 callers, 25 distinct images each, single and in batches, all at once."""
    contents = [png(seed) for seed in range(200)]
    wanted = [each.to_dict() for each in predictor.batch(contents)]

    def call(number):
        for start in range(number * 25, number * 25 + 25, 5):
            chosen = slice(start, start + 5)
            single = [post(url, content).json() for content in contents[chosen]]
            many = post(url, *contents[chosen], route="/predict/batch").json()
            for each in (single, many["predictions"]):
                for found, right in zip(each, wanted[chosen], strict=True):
                    rows = [list(p["probabilities"].values()) for p in (found, right)]
                    np.testing.assert_allclose(*rows, atol=1e-5)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(8)))


class Slow:
    """A stand-in for a predictor whose model is held up, or broken."""

    class_names, size, fixed, max_pixels = NAMES, (16, 16), False, 10**6

    def __init__(self):
        self.go, self.entered = threading.Event(), threading.Event()
        self.fault = None
        self.prepared = Predictor(classifier(), NAMES).prepared
        self.named = Predictor(classifier(), NAMES).named

    def __copy__(self):
        """Be held up from outside, also in a service."""
        return self

    def prepared_batch(self, files):
        """Decode several."""
        return [self.prepared(file) for file in files]

    def probabilities(self, arrays):
        """Wait, fail, or give the same answer to all."""
        self.entered.set()
        assert self.go.wait(20)
        if self.fault is not None:
            raise self.fault
        return np.tile(np.float32([0.5, 0.3, 0.2]), (len(arrays), 1))


@contextmanager
def slow(**options):
    """Serve a `Slow` predictor; its model is let go in the end."""
    predictor = Slow()
    with running(build(Service(predictor, Limits(**options)))) as address:
        try:
            yield predictor, address
        finally:
            predictor.go.set()


def test_health_is_503_until_the_model_has_run():
    """And images are refused till then, with a word on when to come again."""
    with slow() as (predictor, address):
        health = httpx.get(f"{address}/health")
        assert (health.status_code, health.json()["status"]) == (503, "starting")
        assert httpx.get(address).status_code == 200
        answer = post(address, png())
        assert code(answer) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
        predictor.go.set()
        wait_until_ready(address)
        assert post(address, png()).status_code == 200


@pytest.mark.parametrize(
    ("limits", "most"), [({"requests": 32}, 32), ({"waiting": 32}, 33)]
)
def test_too_much_is_refused_at_once_and_the_rest_is_answered(limits, most):
    """No more wait than may, beside what runs; who was taken gets an answer."""
    with slow(**limits) as (predictor, address):
        predictor.go.set()
        wait_until_ready(address)
        predictor.go.clear()
        predictor.entered.clear()
        with ThreadPoolExecutor(60) as pool:
            sent = [pool.submit(post, address, png(0))]
            assert predictor.entered.wait(20)
            sent += [pool.submit(post, address, png(seed)) for seed in range(1, 60)]
            for _ in range(600):
                refused = [each.result() for each in sent if each.done()]
                if len(refused) == 60 - most:
                    break
                time.sleep(0.05)
            time.sleep(0.2)
            assert sum(each.done() for each in sent) == 60 - most
            assert {each.status_code for each in refused} == {503}
            assert httpx.get(f"{address}/health").status_code == 200
            predictor.go.set()
            found = [each.result().status_code for each in sent]
        assert found.count(200) == 60 - len(refused)


def test_a_deadline_is_kept_when_the_model_hangs():
    """The caller is told in time; the service goes on."""
    with slow(deadline=0.5) as (predictor, address):
        predictor.go.set()
        wait_until_ready(address)
        predictor.go.clear()
        began = time.monotonic()
        assert code(post(address, png())) == (504, "deadline_exceeded")
        assert time.monotonic() - began < 3
        predictor.go.set()
        assert post(address, png()).status_code == 200


def test_a_model_that_does_not_run_is_told():
    """Not "starting" for ever; and the process can still be stopped."""
    with slow() as (predictor, address):
        predictor.fault = RuntimeError("no memory")
        predictor.go.set()
        for _ in range(500):
            health = httpx.get(f"{address}/health")
            if health.json()["status"] != "starting":
                break
            time.sleep(0.02)
        assert (health.status_code, health.json()["status"]) == (503, "failed")
        assert code(post(address, png())) == (503, "unavailable")


def test_bytes_of_all_requests_are_bounded():
    """Bodies that are on their way count too."""
    with slow(buffered=50_000) as (predictor, address):
        predictor.go.set()
        wait_until_ready(address)
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(BEGUN + bytes(45_000))
            for _ in range(200):  # until the server has read what was sent
                answer = post(address, png() + bytes(9_000))
                if answer.status_code != 200:
                    break
                time.sleep(0.05)
            assert code(answer) == (503, "unavailable")
        for _ in range(200):
            if post(address, png() + bytes(9_000)).status_code == 200:
                return
            time.sleep(0.05)
        raise AssertionError("the bytes were never given back")


def test_an_image_of_too_many_pixels_is_refused(url):
    """By the limit of the service, before it is decoded."""
    content = io.BytesIO()
    Image.new("L", (101, 100)).save(content, "PNG")
    assert code(post(url, content.getvalue())) == (422, "invalid_request")


def test_class_names_beside_a_predictor_are_refused(predictor):
    """It has its own."""
    with pytest.raises(InvalidArgument, match="beside a Predictor"):
        fastapi_app(predictor, ["a", "b", "c"])


def test_a_fault_of_ours_is_not_shown():
    """A 500 in the same shape, without a word of what happened inside."""
    with slow() as (predictor, address):
        predictor.go.set()
        wait_until_ready(address)
        predictor.fault = RuntimeError("secret path")
        answer = post(address, png(), headers={"X-Request-ID": "mine"})
        assert code(answer) == (500, "internal_error")
        assert answer.headers["X-Request-ID"] == "mine"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        predictor.fault = None
        assert post(address, png()).status_code == 200


def test_a_service_that_is_told_to_stop_answers_first(tmp_path):
    """`cifarkit serve` under load: SIGTERM, and no request that was taken is lost."""
    classifier(96).save(tmp_path / "model.keras")
    port = free_port()
    run = [sys.executable, "-m", "cifarkit", "serve", str(tmp_path / "model.keras")]
    process = subprocess.Popen([*run, "--port", str(port)], stderr=subprocess.PIPE)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            wait_until_ready(address)
            break
        except httpx.ConnectError:
            time.sleep(0.1)

    def call(seed):
        """Send over a connection of its own; nothing if none could be had."""
        try:
            return post(address, png(seed)).status_code
        except httpx.ConnectError:
            return None  # the door was closed
        except httpx.TransportError:
            return 0  # or closed while the system had it, and the server not yet

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(call, seed) for seed in range(100)]
        while sum(each.done() for each in sent) < 20:
            time.sleep(0.01)
        began = time.monotonic()
        process.terminate()
        process.communicate(timeout=30)
        lasted = time.monotonic() - began  # its time, not that of 70 refused clients
        statuses = [each.result() for each in sent]
    assert lasted < 10
    assert set(statuses) <= {200, 0, None}
    assert statuses.count(0) <= 1
    assert statuses.count(200) >= 20
    assert None in statuses


@pytest.mark.parametrize(
    "options",
    [
        {"waiting": 31},
        {"waiting": 32.5},
        {"body": 0},
        {"body": 1.5},
        {"deadline": -1},
        {"requests": "9"},
    ],
)
def test_limits_are_checked(options):
    """Where they are given."""
    with pytest.raises(InvalidArgument):
        Limits(**options)


@pytest.mark.parametrize("port", [-1, 65_536, 99_999, "80", 80.0])
def test_a_port_that_is_none_is_refused(port):
    """An event loop may take it for another one."""
    with pytest.raises(InvalidArgument, match="port from 0"):
        run(None, port=port)


def test_a_library_call_leaves_the_collector_alone(predictor):
    """What only cycles keep must still go in a notebook that made an application."""
    before = gc.get_freeze_count()
    service = Service(predictor, LIMITS)
    service.warm()
    service.stop()
    assert service.predictor.batch_size >= 1
    assert gc.get_freeze_count() == before


def test_a_process_that_serves_freezes_what_it_loaded():
    """No request waits while all of TensorFlow is looked through."""

    async def nothing(*_):
        """Take the place of uvicorn's own beginning."""

    server = Server(uvicorn.Config(lambda: None))
    with (
        patch.object(uvicorn.Server, "startup", nothing),
        patch("cifarkit.serving._server.gc") as collector,
    ):
        asyncio.run(server.startup())
    assert [name for name, *_ in collector.mock_calls] == ["collect", "freeze"]


@pytest.mark.parametrize("route", ["/", "/health"])
def test_the_head_of_a_state_can_be_asked_for(url, route):
    """Balancers do so."""
    answer = httpx.head(f"{url}{route}")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_slash_too_many_is_another_route(url, flask):
    """On both, with a body that says so."""
    files = {"file": ("a.png", png())}
    assert code(httpx.post(f"{url}/predict/", files=files)) == (404, "not_found")
    assert flask.post("/predict/").json["error"]["code"] == "not_found"


def test_a_text_beside_the_file_is_refused_by_both(url, flask):
    """Which of them is meant, nobody can know."""
    form = {"file": [(io_of(png(0)), "a.png"), "text"]}
    assert flask.post("/predict", data=form).status_code == 422
    both = [("file", ("a.png", png())), ("file", (None, "text"))]
    assert code(httpx.post(f"{url}/predict", files=both)) == (422, "invalid_request")


def test_the_schema_is_kept(url):
    """Schemathesis, all checks, a few cases of each kind."""
    program = Path(sys.executable).with_name("schemathesis")
    config = Path(__file__).with_name("schemathesis.toml")
    options = ["--checks", "all", "--max-examples", "20", "--generation-deterministic"]
    run = [program, "--config-file", config, "run", f"{url}/openapi.json", *options]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_schema_names_all_answers(url):
    """Every route that takes images documents its errors."""
    schema = httpx.get(f"{url}/openapi.json").json()
    for route in ("/predict", "/predict/batch"):
        responses = schema["paths"][route]["post"]["responses"]
        wanted = {"200", "400", "408", "413", "415", "422", "500", "503", "504"}
        assert set(responses) == wanted
        assert "HTTPValidationError" not in json.dumps(responses)


def test_an_application_can_be_started_again():
    """Test clients do so, and servers that reload: a stopped one is not broken."""
    app = fastapi_app(Predictor(classifier(), NAMES), limits=LIMITS)
    for _ in range(2):
        with running(app) as address:
            wait_until_ready(address)
            assert post(address, png()).status_code == 200


def test_a_service_that_is_told_to_stop_warms_up_no_further():
    """A platform kills after ten seconds; measuring a large model takes longer."""
    predictor = Slow()
    service = Service(predictor, LIMITS)
    warming = threading.Thread(target=service.warm)
    warming.start()
    assert predictor.entered.wait(5)
    counts, rows = [], predictor.probabilities
    predictor.probabilities = lambda arrays: counts.append(len(arrays)) or rows(arrays)
    service.leave()
    predictor.go.set()
    warming.join(5)
    service.stop()
    assert not warming.is_alive()
    assert service.status == "stopped"
    assert set(counts) <= {1}


def test_more_pixels_than_usual_may_be_allowed():
    """The limit of the service is that of its predictor."""
    wide = Limits(pixels=60_000_000)
    assert service_of(classifier(), NAMES, wide).predictor.max_pixels == 60_000_000
    own = Predictor(classifier(), NAMES, max_pixels=10)
    assert service_of(own, None, wide).predictor.max_pixels == 10


def test_an_application_can_be_a_part_of_another():
    """Its lifespan has to be handed on, which mounting does not do."""
    part = fastapi_app(classifier(), NAMES, limits=LIMITS)
    whole = FastAPI(lifespan=lambda _: part.router.lifespan_context(part))
    whole.mount("/classify", part)
    with running(whole) as address:
        wait_until_ready(f"{address}/classify")
        assert post(f"{address}/classify", png()).status_code == 200
        figures = httpx.get(f"{address}/classify/metrics").text
        assert 'route="/predict",status="200"' in figures


def test_flask_refuses_images_until_the_model_has_run(monkeypatch):
    """As the other service does, and not by a deadline that passes."""
    begun = threading.Event()
    monkeypatch.setattr(Service, "warm", lambda self: begun.set())
    client = flask_app(classifier(), NAMES, limits=LIMITS).test_client()
    assert begun.wait(5)
    answer = client.post("/predict", data={"file": (io_of(png()), "a.png")})
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
