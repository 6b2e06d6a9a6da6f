"""The command line; each command is a few lines that call the room where the work is done."""

import json
import socket
import sys
import textwrap
from contextlib import closing
from datetime import date
from pathlib import Path

import click

from cds_service.answer import Setting
from cds_service.app import check as check_configuration
from cds_service.app import compose, configuration, today
from cds_service.config import VARIABLES, Config, ConfigError
from cds_service.store import StoreUnavailable, StoreUnusable
from cds_service.store.opening import open_store
from cds_service.stories.answering import Unanswerable, hook_of, own_hook, respond, run, timeline
from cds_service.stories.moving import of_today
from cds_service.stories.story import StoryError, find, stories
from cds_service.web import report


class Refused(click.ClickException):
    """What was asked for cannot be done as asked: one sentence, exit status 2."""

    exit_code = 2


def _day(text: str) -> date:
    """A day, written in full."""
    try:
        return date.fromisoformat(text if len(text) == len("2026-03-01") else "")
    except ValueError:
        raise click.BadParameter(f"{text} is no day; a day is written like 2026-03-01.") from None


_WIDTH = 100


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cds-service")
def main() -> None:
    """A CDS Hooks service: tacrolimus is being stopped, or was stopped, in a person with autoimmune disease."""


@main.command(short_help="Answer hooks over HTTP.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option(
    "--drain",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0, 600),
    metavar="SECONDS",
    help="How long after SIGTERM new requests are still answered, while /readyz says 503.",
)
def serve(host: str, port: int, workers: int, drain: float) -> None:
    """Answer hooks over HTTP until stopped."""
    from cds_service.web.server import Server  # noqa: PLC0415 - only this command needs a server

    settings = _configuration(host, port)
    _require_free(host, port)
    try:
        application = compose(settings)
    except (ConfigError, StoreUnusable) as error:
        raise click.ClickException(str(error)) from None
    if not settings.authentication:
        click.secho(
            f"Client authentication is OFF: whoever reaches {host} port {port} is answered.", fg="red", bold=True, err=True
        )
    click.echo(f"Serving {settings.base_url}/cds-services", err=True)
    Server(application, host=host, port=port, workers=workers, drain_s=drain).run()


@main.command(short_help="List the settings; would the service start?")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the service would listen on.")
@click.option("--port", default=8000, show_default=True, help="Port the service would listen on.")
def config(host: str, port: int) -> None:
    """List the environment variables, and say whether the service would start with them as they are."""
    for variable in VARIABLES:
        meaning = textwrap.indent(textwrap.fill(variable.meaning, _WIDTH, break_long_words=False, break_on_hyphens=False), "    ")
        click.echo(f"{variable.name}\n{meaning}\n    default: {variable.default}")
    try:
        check_configuration(_configuration(host, port))
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    click.echo("\nThe service would start with the environment as it is, provided that its store can be opened.")


@main.command(short_help="Print the knowledge base and the numbers in force.")
def knowledge() -> None:
    """Print the knowledge base: questions, claims, conflicts, and the numbers in force at this site."""
    from cds_service.web.listing import knowledge_text  # noqa: PLC0415 - only this command needs it

    click.echo(knowledge_text(_configuration("127.0.0.1", 8000).parameters))


@main.command(short_help="Run stories; exit 1 where one differs.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def check(folder: Path | None) -> None:
    """Run the stories of FOLDER (unless given, those that come with the service): one line a story, exit 1 where one differs."""
    setting, total, differing = _setting(), 0, 0
    try:
        for story in stories(folder):
            found = run(story, setting)
            click.echo(f"FAIL {story.name}: {'; '.join(found)}" if found else f"PASS {story.name}")
            total, differing = total + 1, differing + bool(found)
    except StoryError as error:
        raise Refused(str(error)) from None
    if not total:
        raise Refused(f"There is no story in {folder}.")
    click.echo(f"stories: {total}, differing: {differing}")
    sys.exit(1 if differing else 0)


@main.command(short_help="Answer one request in a file, without a server.")
@click.argument("request_file", metavar="REQUEST.json")
@click.option("--asof", metavar="DATE", type=_day, help="The day to answer on, like 2026-03-01.  [default: today]")
@click.option("--service", metavar="ID", help="The service to answer as.  [default: that of the request's hook]")
@click.option("--timeline", "as_table", is_flag=True, help="Print instead a table of what was taken when, and how it is read.")
def explain(request_file: str, asof: date | None, service: str | None, as_table: bool) -> None:
    """Print the cards for the request in a file (- for standard input), with what they rest on, as JSON."""
    body, day = _read(request_file), asof or _today()
    if day.year < 1900:
        raise Refused(f"--asof {day}: no record goes back so far.")
    try:
        hook = hook_of(service) if service else own_hook(body)
        if as_table:
            click.echo(timeline(body, hook=hook, asof=day, setting=_setting()))
            return
        response = respond(body, hook=hook, asof=day, setting=_setting())
    except Unanswerable as error:
        raise Refused(str(error)) from None
    if response.status != 200:
        raise Refused(f"A server would answer with status {response.status}: {response.reason}.")
    click.echo(json.dumps({"cards": response.cards}, indent=2, ensure_ascii=False))


@main.command(short_help="Print the request of a story as of today.")
@click.argument("story")
def request(story: str) -> None:
    """Print the request of STORY (rebound/abrupt-stop-alt-150, or a story's folder) as if it were sent today."""
    try:
        click.echo(json.dumps(of_today(find(story), _today()), indent=2, ensure_ascii=False))
    except StoryError as error:
        raise Refused(str(error)) from None


@main.command("feedback-report", short_help="Print what became of the cards.")
@click.option("--since", metavar="DATE", type=_day, help="The first day whose cards count.  [default: the first there is]")
@click.option("--until", metavar="DATE", type=_day, help="The last day whose cards count.  [default: today]")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--comments", is_flag=True, help="With --json: also what clinicians wrote, which may name a patient.")
def feedback_report(since: date | None, until: date | None, as_json: bool, comments: bool) -> None:
    """Print what became of the cards: by question how many were shown, accepted, overridden and ignored, and why."""
    if comments and not as_json:
        raise Refused("--comments goes with --json.")
    settings = _configuration("127.0.0.1", 8000)
    if isinstance(settings.store, Path) and not settings.store.exists():
        raise Refused(f"There is no store at {settings.store}.")
    try:
        with closing(open_store(settings.store)) as store:
            told = report.report(store, settings.parameters, since=since, until=until)
    except (StoreUnusable, StoreUnavailable) as error:
        raise Refused(f"The store cannot be read: {error}.") from None
    click.echo(json.dumps(report.data(told, comments=comments), indent=2, default=str) if as_json else report.text(told))


def _configuration(host: str, port: int) -> Config:
    try:
        return configuration(host=host, port=port)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def _setting() -> Setting:
    settings = _configuration("127.0.0.1", 8000)
    return Setting(settings.parameters, settings.base_url)


def _require_free(host: str, port: int) -> None:
    """Say at once where the address cannot be had, rather than after the server's own attempts."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise click.ClickException(f"Port {port} of {host} cannot be used: {error.strerror}.") from None


def _read(request_file: str) -> bytes:
    if Path(request_file).is_dir():
        raise Refused(f"{request_file} is a folder: give the file, such as {Path(request_file) / 'request.json'}.")
    try:
        with click.open_file(request_file, "rb") as opened:
            body: bytes = opened.read()
            return body
    except OSError as error:
        raise Refused(f"{request_file} cannot be read: {error.strerror}.") from None


def _today() -> date:
    return today(_configuration("127.0.0.1", 8000))


if __name__ == "__main__":
    main()
