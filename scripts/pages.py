"""The Gradio page and /docs, used in a real browser as a person would.

pip install playwright, and Chromium of the system; then

python scripts/pages.py runs/exported --shots FOLDER

The folder holds model.keras and model.onnx, as `cifarkit export` wrote them. What the
pages say is compared with the predictor; the screenshots are for your own eyes.
"""

import argparse
import os
import sys
from pathlib import Path

from deployed import DEPLOY, HOME, served
from playwright.sync_api import sync_playwright

from cifarkit.prediction import Predictor


def main():
    """Drive both pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exported", type=Path, help="what `cifarkit export` wrote")
    parser.add_argument("--shots", type=Path, required=True, help="for screenshots")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    shots, exported = options.shots.absolute(), options.exported.absolute()
    keras, onnx = exported / "model.keras", exported / "model.onnx"
    shots.mkdir(parents=True, exist_ok=True)
    os.environ["CIFARKIT_SAMPLES"] = str(shots / "samples")
    with sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=options.chromium, args=["--no-sandbox"]
        )
        page = [sys.executable, DEPLOY / "gradio_app.py"]
        with served(page, shots, model=keras, ready="/"):
            gradio(chromium, shots, Predictor(keras))
        with served([sys.executable, DEPLOY / "app.py"], shots, model=onnx):
            docs(chromium, shots, Predictor(onnx))
        chromium.close()
    print(f"Both pages say what the predictor says; look at {shots}.")


def gradio(chromium, shots, predictor):
    """Upload one picture, then several; the page must name their classes."""
    pictures = sorted((shots / "samples").glob("*.png"))
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.goto(HOME)
    page.locator("input[type=file]").first.set_input_files(pictures[0])
    wanted = predictor(pictures[0])
    page.get_by_test_id("label-output-value").get_by_text(wanted.name).wait_for()
    page.wait_for_timeout(2000)
    page.screenshot(path=shots / "gradio_one.png", full_page=True)
    page.get_by_role("tab", name="Many pictures").click()
    page.locator("input[type=file]").last.set_input_files(pictures[:6])
    for found in predictor.batch(pictures[:6]):
        line = f"{found.name} {found.confidence:.0%}"
        named = page.get_by_text(line, exact=True).locator("visible=true")
        named.first.wait_for()
    page.screenshot(path=shots / "gradio_many.png", full_page=True)


def docs(chromium, shots, predictor):
    """Try /predict out on /docs, which may ask no other machine for anything."""
    (picture, *_) = sorted((shots / "samples").glob("*.png"))
    page, asked = chromium.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{HOME}/docs")
    page.locator("#operations-default-predict_predict_post").click()
    page.get_by_role("button", name="Try it out").click()
    page.locator("input[type=file]").set_input_files(picture)
    page.get_by_role("button", name="Execute").click()
    text = f'"predicted_class": "{predictor(picture).name}"'
    page.locator(".live-responses-table").get_by_text(text).first.wait_for()
    page.screenshot(path=shots / "docs.png", full_page=True)
    others = [url for url in asked if not url.startswith((HOME, "data:", "blob:"))]
    if others:
        raise SystemExit(f"Expected no request to another machine; received {others}.")


if __name__ == "__main__":
    main()
