"""The page of Persona Studio: settings, two languages, one server. `python app.py`."""

from __future__ import annotations

import gc

# What a start makes, it keeps: looking for rubbish in between was a quarter of its time.
gc.disable()

import logging
import sys
from typing import Final

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse

from core import studio
from core.config.schema import BUILTIN_MODEL
from core.errors import UserError
from core.settings import Settings
from core.ui import gradio as gr
from core.ui import page, theme
from core.ui.speech import Language

LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
_UPLOAD_LIMIT: Final = "64mb"


def make_app(settings: Settings) -> FastAPI:
    """The server's application: /en and /zh, and / which picks one of them."""
    app = FastAPI(title="Persona Studio", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/", include_in_schema=False)
    def home(request: Request) -> RedirectResponse:
        language = preferred(request.headers.get("accept-language", ""))
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{language}/{query}")

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> FileResponse:
        return FileResponse(theme.ICON, media_type="image/svg+xml")

    @app.get("/manifest.json", include_in_schema=False)
    def manifest() -> dict[str, str]:
        return {"name": "Persona Studio", "start_url": "/", "display": "browser"}

    script = f"<script>{theme.SCRIPT.read_text('utf-8')}</script>"
    for language in LANGUAGES:
        blocks = page.build(settings, language)
        blocks.queue(default_concurrency_limit=8, max_size=64, api_open=False)
        gr.mount_gradio_app(
            app,
            blocks,
            f"/{language}",
            theme=theme.theme(),
            css_paths=[theme.STYLE],
            head=script,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            mcp_server=False,
            ssr_mode=False,
            show_error=False,
            max_file_size=_UPLOAD_LIMIT,
            blocked_paths=[str(settings.home)],
        )
    gc.freeze()
    gc.enable()
    return app


def preferred(accepted: str) -> Language:
    """The page's language for an Accept-Language header: the first one that we speak."""
    ranked = []
    for place, item in enumerate(accepted.split(",")):
        tag, _, quality = item.strip().partition(";q=")
        try:
            ranked.append((-float(quality or 1), place, tag.lower()[:2]))
        except ValueError:
            continue
    spoken = [tag for _, _, tag in sorted(ranked) if tag in LANGUAGES]
    return "zh" if spoken[:1] == ["zh"] else "en"


def main() -> int:
    """Serve until interrupted."""
    logging.basicConfig(level=logging.WARNING)
    try:
        settings = Settings.from_environment()
        settings.runs.mkdir(parents=True, exist_ok=True)
        studio.prepare(settings, BUILTIN_MODEL)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    app = make_app(settings)
    sys.stdout.write(f"Persona Studio is at http://{settings.host}:{settings.port}\n")
    sys.stdout.flush()
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
