"""The knowledge base as plain text, for a terminal: questions, claims, conflicts and the numbers in force."""

from collections.abc import Iterator

from cds_service.knowledge import claims, parameters
from cds_service.knowledge.claims import KnowledgeBase
from cds_service.knowledge.parameters import Parameters
from cds_service.web.knowledge import shown


def knowledge_text(in_force: Parameters) -> str:
    """The whole knowledge base with a site's parameters; the page at /knowledge says the same with its sources."""
    base = claims.knowledge_base()
    signed = "clinically signed off" if base.signed_off else "not clinically signed off"
    lines = [f"Ruleset {claims.RULESET}, {signed}. Source: {claims.SOURCE.label}.", "", *_statements(base), *_numbers(in_force)]
    return "\n".join(lines)


def _statements(base: KnowledgeBase) -> Iterator[str]:
    yield "Questions"
    for question in base.questions.values():
        yield f"  {question.name}: {question.asks}{'' if question.built else ' (not built yet)'}"
    yield "\nClaims"
    for claim in base.claims.values():
        yield f"  {claim.id} [{claim.status}] {claim.text}"
    yield "\nConflicts"
    for conflict in base.conflicts.values():
        yield f"  {conflict.id} {conflict.about}: {conflict.hard_rule}"


def _numbers(in_force: Parameters) -> Iterator[str]:
    defaults = parameters.in_force()
    yield "\nNumbers in force"
    for name, parameter in parameters.described().items():
        value, default = (shown(getattr(values, name), parameter.unit) for values in (in_force, defaults))
        moved = f" (site; otherwise {default})" if value != default else ""
        yield f"  {name} = {value}{moved} [{parameter.origin}] {parameter.meaning}"
