"""The HTML pages: the front page and the knowledge base. Neither has a script, nor anything from elsewhere."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256

from flask import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from cds_service.knowledge.parameters import Parameters
from cds_service.protocol import discovery
from cds_service.web.house import House
from cds_service.web.knowledge import knowledge_page

_STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)


class Pages:
    """The pages of one service, each made when it is first asked for."""

    def __init__(self, house: House) -> None:
        self._parameters: Parameters = house.setting.parameters
        self.front = cache(self._front)
        self.knowledge = cache(self._knowledge)

    def _front(self) -> "Page":
        environment = Environment(loader=PackageLoader("cds_service.web"), autoescape=True, undefined=StrictUndefined)
        return Page(environment.get_template("front.html").render(services=discovery.services().values()))

    def _knowledge(self) -> "Page":
        return Page(knowledge_page(self._parameters))


class Page:
    """One page, with a policy that allows its own style sheets and nothing else."""

    def __init__(self, html: str) -> None:
        self._html = html.encode()
        styles = (b64encode(sha256(style.encode()).digest()).decode() for style in _STYLE.findall(html))
        allowed = " ".join(f"'sha256-{digest}'" for digest in styles) or "'none'"
        self._policy = f"default-src 'none'; style-src {allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    def response(self) -> Response:
        """The page as an answer."""
        response = Response(self._html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
