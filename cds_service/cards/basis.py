"""What a card rests on, as data: rule, claims, evidence, what is unknown, where sources differ, ruleset and site values."""

from datetime import date
from functools import cache
from typing import Any

from cds_service.cards.sentences import render
from cds_service.knowledge import claims
from cds_service.knowledge.finding import Evidence, Finding, say
from cds_service.knowledge.parameters import Parameters, in_force

BASIS = "io.github.cds-service.basis"


def basis(finding: Finding, *, asof: date, ruleset: str) -> dict[str, Any]:
    """The extension of a card. Its lists are always there; an evidence item has only members with a value."""
    return {
        BASIS: {
            "rule": finding.question,
            "class": finding.exposure_class,
            "claims": list(finding.claims),
            "evidence": [_item(evidence) for evidence in finding.evidence],
            "unknown": [render(sentence, markdown=False) for sentence in finding.unknown],
            "conflicts": list(finding.conflicts),
            "asof": asof.isoformat(),
            "ruleset": ruleset,
        }
    }


def _item(evidence: Evidence) -> dict[str, str]:
    item = {"reference": evidence.reference}
    if evidence.date:
        item["date"] = evidence.date
    if evidence.value:
        item["value"] = evidence.value
    if evidence.unit:
        item["unit"] = evidence.unit
    return item


def ruleset(parameters: Parameters) -> str:
    """The version of the rules, whether it is signed off, and every value that a site has changed."""
    version = _version()
    usual = _usual()
    if parameters == usual:
        return version
    names = [name for name in usual.__struct_fields__ if getattr(parameters, name) != getattr(usual, name)]
    changed = tuple(f"{name} {_said(getattr(parameters, name))}" for name in names)
    return render(say("ruleset-site", ruleset=version, values=changed), markdown=False)


@cache
def _version() -> str:
    key = "ruleset-signed" if claims.signed_off() else "ruleset-unsigned"
    return render(say(key, ruleset=claims.RULESET), markdown=False)


@cache
def _usual() -> Parameters:
    return in_force()


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
