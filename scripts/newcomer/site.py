"""The built site in a real browser, as people read it: wide and narrow, light and dark.

pip install playwright, and Chromium of the system; then

python -m mkdocs build --strict
python scripts/newcomer/site.py --shots FOLDER --json docs/results/site.json

Every page is opened four times. It may ask no other machine for anything, log no error,
show no broken picture and be no wider than the window; and the search must find things.
The screenshots are for your own eyes.
"""

import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "chaos"))

from telling import parser, tell  # noqa: E402

SITE = ROOT / "site"
WINDOWS = {"desktop": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
SOUGHT = {
    "freeze batch norm": "traps",
    "learning rate": "training",
    "my own images": "own_images",
    "no internet": "offline",
    "onnx": "serving",
    "resume": "surviving",
}
BROKEN = "[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"


def main():
    """Look at every page in every way; tell what was found."""
    making = parser(__doc__)
    making.add_argument("--shots", type=Path, required=True, help="for screenshots")
    making.add_argument("--chromium", default="/usr/bin/chromium")
    given = making.parse_args()
    given.shots.mkdir(parents=True, exist_ok=True)
    pages = sorted(path.relative_to(SITE) for path in SITE.rglob("index.html"))
    with sync_playwright() as play, serving() as home:
        chromium = play.chromium.launch(
            executable_path=given.chromium, args=["--no-sandbox"]
        )
        faults = [
            fault
            for window in WINDOWS
            for scheme in SCHEMES
            for fault in looked_at(chromium, home, pages, window, scheme, given.shots)
        ]
        missed = [words for words in SOUGHT if not found(chromium, home, words)]
        chromium.close()
    tell(
        {
            "pages": len(pages),
            "views": len(pages) * len(WINDOWS) * len(SCHEMES),
            "faults": faults,
            "searches": len(SOUGHT),
            "searches_missed": missed,
        },
        given.json,
    )
    sys.exit(bool(faults or missed))


@contextmanager
def serving():
    """Serve the site on a free port of this machine while the block runs."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": nothing})
    handler = partial(quiet, directory=str(SITE))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def nothing(*_):
    """Log no request."""


def looked_at(chromium, home, pages, window, scheme, shots):
    """Yield what is wrong with each page, seen in one window and one scheme."""
    width, height = WINDOWS[window]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    )
    for path in pages:
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda m, said=said: said.append((m.type, m.text)))
        page.on("pageerror", lambda e, said=said: said.append(("error", str(e))))
        page.on("request", lambda r, asked=asked: asked.append(r.url))
        address = path.parent.as_posix().removeprefix(".")
        page.goto(f"{home}{address}", wait_until="networkidle")
        for url in asked:
            if not url.startswith((home, "data:", "blob:")):
                yield f"{path} asks {url}"
        for kind, text in said:
            if kind == "error":
                yield f"{path}, {window}, {scheme}: {text}"
        for source in page.evaluate(BROKEN):
            yield f"{path}: no picture at {source}"
        if (more := page.evaluate(TOO_WIDE)) > 1:
            yield f"{path}, {window}: {more} pixels wider than the window"
        name = path.parent.as_posix().replace("/", "_").replace(".", "start")
        page.screenshot(path=shots / f"{name}_{window}_{scheme}.png", full_page=True)
        page.close()
    context.close()


def found(chromium, home, words):
    """Whether the search leads from words to the page that is meant."""
    page = chromium.new_page()
    page.goto(home, wait_until="networkidle")
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.locator(".md-search-result__link").first.wait_for(timeout=10_000)
    links = page.locator(".md-search-result__link").evaluate_all(
        "all => all.slice(0, 5).map(one => one.href)"
    )
    page.close()
    return any(f"/{SOUGHT[words]}/" in link for link in links)


if __name__ == "__main__":
    main()
