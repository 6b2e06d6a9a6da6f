"""Diseases without a definition of their own here: inflammation is information, an event that endangers an organ a flare.

No laboratory result tells that such a disease is quiet, so it is never called so.
"""

from collections.abc import Sequence

from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements.flare import Flare, Tier
from cds_service.knowledge.judgements.flares import inflammation, lupus_nephritis
from cds_service.knowledge.judgements.flares.watch import Watch

LUPUS = "SLE"
THREATS = ("organ_threat", "pulmonary_haemorrhage", "respiratory_failure")
MARKERS = ("crp", "esr")


def judge(at: Watch, diseases: Sequence[str]) -> Flare:
    """Raised inflammation as information; a coded event since the stop as severe, unless an infection explains it."""
    readings = inflammation.raised(at, Tier.NONE, say("inflammation-not-specific"))
    told = tuple(found for found in readings if found.why is not None)
    serology = lupus_nephritis.serology(at) if LUPUS in diseases else ()
    signs = () if at.infected else at.signs(*THREATS)
    unknown = (*inflammation.unknown(at, readings), say("flare-not-by-laboratory", diseases=tuple(map(Term, diseases))))
    return Flare(
        diseases[0],
        judged=bool(signs),
        tier=Tier.SEVERE if signs else Tier.NONE,
        readings=readings,
        signs=signs,
        preliminary=at.preliminary(*MARKERS),
        unreadable=at.unreadable(*MARKERS),
        hints=(*told, *serology),
        unknown=unknown,
    )
