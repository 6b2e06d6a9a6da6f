"""What belongs to a disease when it has flared: its tests, whom to refer to, and whether the steroid regimens may be offered."""

from collections.abc import Iterable

from msgspec import Struct

from cds_service.knowledge.judgements.flares import JUDGES, anca_vasculitis, glomerular, hepatitis, lupus_nephritis, myasthenia
from cds_service.knowledge.parameters import Parameters

ANY_AUTOIMMUNE = "any-autoimmune"
CHILD = "paediatric-"


class Regimen(Struct, frozen=True):
    """``panel`` and ``specialty`` are ids of orders.toml; ``steroids`` is False where a start at a high dose can do harm."""

    panel: str
    specialty: str
    steroids: bool = True

    @property
    def for_children(self) -> str:
        """The paediatric counterpart of the specialty."""
        return CHILD + ("specialist" if self.specialty == DISEASE_SPECIALIST else self.specialty)


DISEASE_SPECIALIST = "disease-specialist"
KIDNEY = "nephrology"
OTHER = Regimen("general", DISEASE_SPECIALIST)
REGIMENS = {
    hepatitis.DISEASE: Regimen("autoimmune-hepatitis", "hepatology"),
    lupus_nephritis.DISEASE: Regimen("lupus-nephritis", KIDNEY),
    anca_vasculitis.DISEASE: Regimen("general", "rheumatology"),
    myasthenia.DISEASE: Regimen("myasthenia-gravis", "neurology", steroids=False),
    glomerular.DISEASE: Regimen("glomerular-disease", KIDNEY),
    **dict.fromkeys(
        (
            *("SLE", "dermatomyositis_polymyositis", "rheumatoid_arthritis", "overlap_CTD_sjogren_ssc", "other_vasculitis"),
            *("behcet", "JIA_still"),
        ),
        Regimen("general", "rheumatology"),
    ),
    **dict.fromkeys(("NMO_MOG", "MS", "autoimmune_encephalitis_CIDP"), Regimen("general", "neurology")),
}


def of(disease: str) -> Regimen:
    """What belongs to a disease."""
    return REGIMENS.get(disease, OTHER)


def first(diseases: Iterable[str]) -> str:
    """The disease whose tests are ordered where none has flared: one with a definition of its own, in their order."""
    known = list(JUDGES)
    return min(diseases, key=lambda name: (known.index(name) if name in JUDGES else len(known), name), default="")


def steroids_offered(disease: str, parameters: Parameters) -> bool:
    """Whether the steroid regimens are offered: in autoimmune hepatitis, elsewhere only where a site widens the scope."""
    if disease == hepatitis.DISEASE:
        return True
    return parameters.reinduction_scope == ANY_AUTOIMMUNE and of(disease).steroids
