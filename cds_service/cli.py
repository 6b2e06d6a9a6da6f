"""The command line; each command is a few lines that call the room where the work is done."""

import json
import sys
from contextlib import closing
from datetime import date, datetime
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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cds-service")
def main() -> None:
    """A CDS Hooks service: tacrolimus is being stopped, or was stopped, in a person with autoimmune disease."""


@main.command()
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
    from cds_service.web.server import Occupied, Server, reserve  # noqa: PLC0415 - only this command needs a server

    settings = _configuration(host, port)
    try:
        reserve(host, port)
        application = compose(settings)
    except (ConfigError, StoreUnusable, Occupied) as error:
        raise click.ClickException(str(error)) from None
    if not settings.authentication:
        click.secho(
            f"Client authentication is OFF: whoever reaches {host} port {port} is answered.", fg="red", bold=True, err=True
        )
    click.echo(f"Serving {settings.base_url}/cds-services", err=True)
    Server(application, host=host, port=port, workers=workers, drain_s=drain).run()


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the service would listen on.")
@click.option("--port", default=8000, show_default=True, help="Port the service would listen on.")
def config(host: str, port: int) -> None:
    """List the environment variables, and say whether the service would start with them as they are."""
    for variable in VARIABLES:
        click.echo(f"{variable.name}\n    {variable.meaning}\n    default: {variable.default}")
    try:
        check_configuration(_configuration(host, port))
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    click.echo("\nThe service would start with the environment as it is, provided that its store can be opened.")


@main.command()
def knowledge() -> None:
    """Print the knowledge base: questions, claims, conflicts, and the numbers in force at this site."""
    from cds_service.web.listing import knowledge_text  # noqa: PLC0415 - only this command needs it

    click.echo(knowledge_text(_configuration("127.0.0.1", 8000).parameters))


@main.command()
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


@main.command()
@click.argument("request_file", metavar="REQUEST.json")
@click.option("--asof", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="The day to answer on.  [default: today]")
@click.option("--service", metavar="ID", help="The service to answer as.  [default: that of the request's hook]")
@click.option("--timeline", "as_table", is_flag=True, help="Print instead a table of what was taken when, and how it is read.")
def explain(request_file: str, asof: datetime | None, service: str | None, as_table: bool) -> None:
    """Print the cards for the request in a file (- for standard input), with what they rest on, as JSON."""
    body, day = _read(request_file), asof.date() if asof else _today()
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


@main.command()
@click.argument("story")
def request(story: str) -> None:
    """Print the request of STORY (rebound/abrupt-stop-alt-150, or a story's folder) as if it were sent today."""
    try:
        click.echo(json.dumps(of_today(find(story), _today()), indent=2, ensure_ascii=False))
    except StoryError as error:
        raise Refused(str(error)) from None


_DAY = click.DateTime(["%Y-%m-%d"])


@main.command("feedback-report")
@click.option("--since", metavar="DATE", type=_DAY, help="The first day whose cards count.  [default: the first there is]")
@click.option("--until", metavar="DATE", type=_DAY, help="The last day whose cards count.  [default: today]")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--comments", is_flag=True, help="With --json: also what clinicians wrote, which may name a patient.")
def feedback_report(since: datetime | None, until: datetime | None, as_json: bool, comments: bool) -> None:
    """Print what became of the cards: by question how many were shown, accepted, overridden and ignored, and why."""
    if comments and not as_json:
        raise Refused("--comments goes with --json.")
    settings = _configuration("127.0.0.1", 8000)
    if isinstance(settings.store, Path) and not settings.store.exists():
        raise Refused(f"There is no store at {settings.store}.")
    try:
        with closing(open_store(settings.store)) as store:
            period = {"since": since and since.date(), "until": until and until.date()}
            told = report.report(store, settings.parameters, **period)
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


def _read(request_file: str) -> bytes:
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
