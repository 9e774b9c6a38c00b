"""The words by which a page is known: each line says of which kind of page, and how much it weighs.

Words are in capitals without accents. A stem of six letters or more is found anywhere, glued to
other words, too, and one of eight or more with a letter misread. What is shorter is a whole word,
with one of the endings that `|` lists. Several words must follow each other just so. What weighs
for a draw is positive.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ocr.types import PageKind


class Words(NamedTuple):
    """Words of one meaning; `beside_draw` is their weight where their line names the draw, too."""

    kind: PageKind
    weight: int
    words: tuple[str, ...]
    beside_draw: int | None = None


LOTTO: Final = "LOTTO"
DRAWING: Final = "ESTRAZION"
TIED: Final = ("LEGATO", "ABBINAT", "COLLEGAT")  # a game to the draw of the Lotto


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TABLE: Final = (
    # --- for the draw ---------------------------------------------------------------------------
    Words(PageKind.DRAW, 3, ("CONCORSO",)),
    Words(PageKind.DRAW, 2, (DRAWING, "ESTRATT|I|E", "SORTEGGI")),
    Words(PageKind.DRAW, 1, (LOTTO, "NUMERI", "VINCENTI", "RUOTA", "RUOTE", "RISULTATI")),
    # --- another day's --------------------------------------------------------------------------
    Words(PageKind.EARLIER, -6, (
        "ARCHIVIO", "PRECEDENT", "IERI", "SCORS|A|E|O|I", "STORICO", "STORICHE", "STORICI",
        "PASSAT|A|E|O|I", "REPLICA", "ANNI FA", "ANNO FA", "ALMANACCO", "ULTIME DIECI",
        "ULTIME 10", "ULTIME 5", "ULTIME CINQUE", "ULTIMI CONCORSI",
    )),
    # --- what somebody expects ------------------------------------------------------------------
    Words(PageKind.PREDICTIONS, -8, (
        "PREVISION", "PRONOSTIC", "CONSIGL", "SUGGERI", "SUGGERIMENT", "FORTUNAT", "GIOCARE",
        "GIOCHIAMO", "GIOCATE", "NOSTR|E|I|O|A", "METODO", "METODI", "SISTEMA", "SISTEMI",
        "CABALA", "SMORFIA", "SOGNO", "SOGNI", "MAGO", "MAGA", "MAGHI", "VEGGENT", "SENSITIV",
        "CARTOMAN", "ASTROLOG", "OROSCOPO", "LUNGHETT", "AMBI", "AMBO", "TERNI", "TERNO",
        "AMBAT|A|E", "QUATERN|A|E", "CINQUIN|A|E", "QUARTIN|A|E", "TERZIN|A|E", "SPIA", "FAVORIT",
        "PROBABIL", "COMBINAZION", "STRATEGI", "ESPERT|O|I|A", "IPOTESI", "VATICIN", "PROFEZI",
        "BOLLENT", "CALDI", "CALDISSIMI", "FREDDI", "IMPERDIBIL", "COLPO", "COLPI",
    )),
    Words(PageKind.PREDICTIONS, -8, (
        "PER LA PROSSIMA", "PER LE PROSSIME", "PER IL PROSSIMO", "PER L ESTRAZION",
        "PER LE ESTRAZION", "PER IL CONCORSO", "VALID|I|O|A|E", "IN ATTESA", "ASPETTANDO",
    )),
    Words(PageKind.UNKNOWN, 0, ("PROSSIMA ESTRAZION", "PROSSIME ESTRAZION", "PROSSIMO CONCORSO")),
    # --- what was counted -----------------------------------------------------------------------
    Words(PageKind.STATISTICS, -6, ("RITARD", "RITARDATAR", "FREQUEN"), beside_draw=-1),
    Words(PageKind.STATISTICS, -6, (
        "STATISTIC", "CENTENAR", "ASSENZ|A|E", "ASSENT|E|I", "USCITE", "USCITI", "PRESENZE",
        "GRADUATORI", "SFALDAMENT", "CADENZ|A|E", "DECINE", "SINCRON", "SCOMPENS", "ANALISI",
        "MEDIE", "TABELLA ANALITICA",
    )),
    Words(PageKind.STATISTICS, -6, (
        "AGGIORNAT", "ALL ESTRAZION", "DALL ESTRAZION", "DOPO L ESTRAZION", "DOPO IL CONCORSO",
        "AL CONCORSO", "DAL CONCORSO", "FINO AL",
    )),
    # --- another game ---------------------------------------------------------------------------
    Words(PageKind.SIMBOLOTTO, -6, ("SIMBOLOTTO", "SIMBOLI"), beside_draw=-1),
    Words(PageKind.OTHER_GAME, -6, (
        "SUPERENALOTTO", "ENALOTTO", "10ELOTTO", "10 E LOTTO", "DIECIELOTTO", "DIECI E LOTTO",
        "SUPERSTAR", "JACKPOT", "MONTEPREMI", "EUROJACKPOT", "SIVINCETUTTO", "WIN FOR LIFE",
    ), beside_draw=-1),
    Words(PageKind.OTHER_GAME, -6, (
        "VINCICASA", "MILLIONDAY", "MILLION DAY", "LOTTERIA", "TOMBOLA", "BINGO", "KENO",
        "PLAYSIX", "TOTOCALCIO", "TOTOGOL", "GRATTA E VINCI", "EXTRA", "GONG", "EUROMILLION",
        "POWERBALL", "LOTTO SVIZZERO", "LOTTO AUSTRIA", "JOLLY",
    )),
    # --- no game at all -------------------------------------------------------------------------
    Words(PageKind.WEATHER, -6, (
        "METEO", "TEMPERATUR", "GRADI", "MINIME", "MASSIME", "UMIDITA", "PIOGG|E|IA", "VENTI",
        "CHE TEMPO", "IL TEMPO",
    )),
    Words(PageKind.SPORT, -6, (
        "CLASSIFICA", "CALCIO", "SERIE", "GIORNATA", "CAMPIONAT", "SQUADR|A|E", "PUNTI",
        "PARTIT|A|E", "MARCATOR", "FORMAZION", "BASKET", "VOLLEY", "COPPA", "GIRONE", "TORNEO",
    )),
    Words(PageKind.BETTING, -6, (
        "QUOTA", "QUOTE", "SCOMMESS", "SCOMMETT", "BOOKMAKER", "ANTEPOST",
    )),
    Words(PageKind.TICKET, -8, (
        "SCONTRINO", "RICEVUTA", "GIOCATA", "BIGLIETT", "SCHEDINA", "RICEVITORI", "TABACCH",
        "IMPORTO", "PUNTATA", "POSTA", "COSTO",
    )),
    Words(PageKind.OTHER, -6, (
        "PARTENZ|A|E", "ARRIVI", "ORARI", "TRENI", "TRENO", "AUTOBUS", "VOLI", "BORSA", "FARMACI",
        "TRAFFICO", "ELEZION", "SONDAGG", "AFFLUENZ", "SEGGI", "VOTI", "PREZZI", "CARBURANT",
        "BENZINA", "CONTAGI", "POPOLAZION", "PRESCELT",
    )),
)  # fmt: skip

# Words of a draw's title that say nothing for or against it.
PLAIN: Final = _words(
    """
    DEL DELLA DELLE DELLO DEGLI NEL NELLA SUL SULLE TUTTE TUTTI OGGI STASERA SERA SERALE SERALI ORE
    GIOCO GIOCHI DIRETTA LIVE UFFICIALE UFFICIALI NAZIONALE ITALIANO ITALIA ULTIMA ULTIME ULTIMO
    ULTIMI NUMERO CINQUE UNDICI SPECIALE DATI INVENTATI PAGINA TELEVIDEO MEDIAVIDEO NOTIZIE SALA
    LUNEDI MARTEDI MERCOLEDI GIOVEDI VENERDI SABATO DOMENICA GENNAIO FEBBRAIO MARZO APRILE MAGGIO
    GIUGNO LUGLIO AGOSTO SETTEMBRE OTTOBRE NOVEMBRE DICEMBRE HOME DICE SONO ECCO GIORNO STATI
    BARI CAGLIARI FIRENZE GENOVA MILANO NAPOLI PALERMO ROMA TORINO VENEZIA
"""
)

# Words that are nearly a wheel's name, and are none.
NO_WHEELS: Final = _words(
    """
    MANO MANI MILAN MILLE MILANESE MILANESI ROMANO ROMANA ROMANI ROMANE ROMEO
    AROMA ROMAGNA BARO BARILE BARISTA BARBARI BARCA GENOA
    GENOVESE GENOVESI TORO TORINESE TORINESI TORNEO TORNIO TURNO VENETO VENEZIANO VENEZIANA
    VENEZUELA NAPOLETANO NAPOLETANA NAPOLETANI NAPOLEONE PALERMITANO PALERMITANI CAGLIARITANO
    CAGLIARITANI FIORENTINA FIRENZUOLA NAZIONALI NAZIONE NAZIONI SALERNO
    INTERNAZIONALE ROMANIA
"""
)

# Words beside a wheel's name that leave it one; any other makes the line prose.
OF_WHEELS: Final = frozenset(("RUOTA", "RUOTE", "DI"))

# Headings of columns beside a board's numbers.
NO_NUMBERS: Final = _words(
    """
    RIT RITARDO RITARDI RITARD RITATT CONC CONCORSI ASS ASSENZA ASSENZE FREQ FREQUENZA USC USCITE
    ATT ATTUALE MAX STORICO SOMMA TOT TOTALE DIFF JOLLY
"""
)

# Headings of panels beside the board: of an earlier draw, and of anything but a draw.
OF_EARLIER: Final = ("PRECEDENT", "IERI", "SCORSA", "ARCHIVIO")
OF_OTHERS: Final = (
    "SIMBOLOTTO", "PREVISION", "PRONOSTIC", "RITARDATARI", "FREQUENTI", "CONSIGLI", "METEO",
)  # fmt: skip
