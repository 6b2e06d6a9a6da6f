"""The command line; each command is a few lines that call the room where the work is done."""

import click

from cds_service.app import compose, configuration
from cds_service.config import VARIABLES, Config, ConfigError
from cds_service.store import StoreUnusable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cds-service")
def main() -> None:
    """A CDS Hooks service: tacrolimus is being stopped, or was stopped, in a person with autoimmune disease."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Answer hooks over HTTP until stopped."""
    from cds_service.web.server import Server  # noqa: PLC0415 - only this command needs a server

    settings = _configuration(host, port)
    try:
        application = compose(settings)
    except StoreUnusable as error:
        raise click.ClickException(str(error)) from None
    click.secho(f"Client authentication is OFF: whoever reaches {host} port {port} is answered.", fg="red", bold=True, err=True)
    click.echo(f"Serving {settings.base_url}/cds-services", err=True)
    Server(application, host=host, port=port, workers=workers).run()


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the service would listen on.")
@click.option("--port", default=8000, show_default=True, help="Port the service would listen on.")
def config(host: str, port: int) -> None:
    """List the environment variables, and say whether the service would start with them as they are."""
    for variable in VARIABLES:
        click.echo(f"{variable.name}\n    {variable.meaning}\n    default: {variable.default}")
    _configuration(host, port)
    click.echo("\nThe service would start with the environment as it is.")


@main.command()
def knowledge() -> None:
    """Print the knowledge base: questions, claims, conflicts, and the numbers in force at this site."""
    from cds_service.web.listing import knowledge_text  # noqa: PLC0415 - only this command needs it

    click.echo(knowledge_text(_configuration("127.0.0.1", 8000).parameters))


def _configuration(host: str, port: int) -> Config:
    try:
        return configuration(host=host, port=port)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
