"""The server's application: its doors, and what stays shut."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

import app
from core.run import create


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def client(home):
    settings = app.Settings("127.0.0.1", 7860, home)
    with TestClient(app.make_app(settings)) as found:
        yield found


def test_the_door_leads_to_the_visitor_s_language_and_keeps_the_run(client):
    answer = client.get("/?run=a", headers={"accept-language": "zh"}, follow_redirects=False)
    assert answer.headers["location"] == "zh/?run=a"


@pytest.mark.parametrize("language", app.LANGUAGES)
def test_each_language_has_a_page_of_its_own(client, language):
    config = client.get(f"/{language}/config").json()
    labels = {c["props"].get("label") for c in config["components"]}
    assert ({"en": "Train", "zh": "训练"}[language]) in labels


def test_no_handler_is_a_public_interface(client):
    shown = client.get("/en/gradio_api/info").json()
    assert shown["named_endpoints"] == {} and shown["unnamed_endpoints"] == {}


def test_nothing_on_the_page_comes_from_another_server(client):
    for path in ("/en/", "/en/theme.css"):
        text = client.get(path).text
        assert "fonts.googleapis" not in text and "fonts.gstatic" not in text


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/en/monitoring/summary"])
def test_what_nobody_needs_is_not_served(client, path):
    assert client.get(path).status_code in (403, 404)


def test_files_of_the_workspace_are_not_served(client, home):
    run = create(home / "runs", "secret")
    run.persona_file.write_text("owner: me")
    for prefix in ("/en/gradio_api/file=", "/en/file="):
        assert client.get(f"{prefix}{run.persona_file}").status_code in (403, 404)


def test_the_page_s_own_icon_is_there(client):
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert client.get("/manifest.json").json()["name"] == "Persona Studio"
