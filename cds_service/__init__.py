"""A CDS Hooks service for one question: tacrolimus is being stopped, or was stopped, in a person with autoimmune disease."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> "Flask":
    """The WSGI application, configured from the environment (for ``flask --app cds_service run`` and gunicorn)."""
    from cds_service.app import create_app as compose  # noqa: PLC0415 - importing the package stays cheap

    return compose()
