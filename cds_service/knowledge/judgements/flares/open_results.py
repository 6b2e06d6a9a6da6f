"""Results that leave open whether a disease is quiet: a newer one not final or not readable, or one that is only a bound."""

from collections.abc import Iterator

from msgspec import structs

from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements.flare import Flare
from cds_service.knowledge.judgements.flares.myasthenia import BREATHING
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.patient import labs
from cds_service.patient.facts import Lab, newest_first


def considered(at: Watch, flare: Flare) -> Flare:
    """The same judgement; a disease is not called quiet while a result says nothing, or may yet say otherwise."""
    if flare.tier:
        return flare
    bounds = [found.lab for found in flare.readings if not labs.decides(found.lab, found.upper)]
    said = tuple(say("marker-bound", analyte=Term(lab.analyte), value=labs.as_reported(lab), on=lab.when) for lab in bounds)
    waiting = [lab for lab in flare.unreadable if _newer(at, lab)]
    waiting += [lab for lab in flare.preliminary if _newer(at, lab) and _worse(at, lab)]
    vague = [lab for lab in _vague(at, flare) if _worse(at, lab)]
    said += tuple(say("marker-imprecise", analyte=Term(lab.analyte), value=labs.as_reported(lab), on=lab.when) for lab in vague)
    judged = flare.judged and not (bounds or waiting or vague)
    return structs.replace(flare, judged=judged, unknown=(*flare.unknown, *said))


def _vague(at: Watch, flare: Flare) -> Iterator[Lab]:
    """The final results of the disease's markers whose day may lie in the time that counts, and may not."""
    last = at.record.asof
    for analyte in (*(found.lab.analyte for found in flare.readings), *flare.missing):
        for lab in labs.final(at.results(analyte)):
            may = lab.when.latest >= at.first and lab.when.earliest <= last
            if may and not (lab.when.earliest >= at.first and lab.when.latest <= last):
                yield lab


def _newer(at: Watch, lab: Lab) -> bool:
    """Whether a result is newer than the one that was judged."""
    judged = at.newest(lab.analyte)
    return judged is None or newest_first((lab, judged))[0] is lab


def _worse(at: Watch, lab: Lab) -> bool:
    """Whether a result is above the one that was judged; of the strength of breathing any other may be worse."""
    judged = at.newest(lab.analyte)
    return judged is None or lab.analyte in BREATHING or labs.value(lab) > labs.value(judged)
