"""Countries come as ISO 3166 codes where the code knows their names → the names, where the field is read.

Only names that the repository itself writes down, in Python or SQL, are put into the table: another country, and
another code, pass as they are and meet whatever the pipeline does with them.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.conversions import Conversion
from airflow_agentic.records import FieldShape
from airflow_agentic.shape_changes import name_tokens

LEAST = 2
"""Names that the repository must know before they are taken for countries."""
_CODES = (
    "AT AUT Austria|AU AUS Australia|BE BEL Belgium|BG BGR Bulgaria|BR BRA Brazil|CA CAN Canada|CH CHE Switzerland|"
    "CN CHN China|CZ CZE Czechia|DE DEU Germany|DK DNK Denmark|EE EST Estonia|ES ESP Spain|FI FIN Finland|"
    "FR FRA France|GB GBR United Kingdom|GR GRC Greece|HR HRV Croatia|HU HUN Hungary|IE IRL Ireland|IN IND India|"
    "IT ITA Italy|JP JPN Japan|LT LTU Lithuania|LU LUX Luxembourg|LV LVA Latvia|MX MEX Mexico|NL NLD Netherlands|"
    "NO NOR Norway|NZ NZL New Zealand|PL POL Poland|PT PRT Portugal|RO ROU Romania|SE SWE Sweden|SI SVN Slovenia|"
    "SK SVK Slovakia|TR TUR Turkey|UA UKR Ukraine|US USA United States|ZA ZAF South Africa"
)


def country_names(bench: Bench, good: FieldShape, bad: FieldShape) -> Conversion | None:
    """Return the look-up of a field of countries that were names and are codes of two or three letters now."""
    words = set(name_tokens(good.path.rpartition(".")[2]))
    if not words & {"country", "countries", "nation"} or bad.formats not in (("AA",), ("AAA",)):
        return None
    if not good.formats or not all(re.match(r"Aa", form) for form in good.formats):
        return None
    place = len(bad.formats[0]) - 2
    said = "\n".join(bench.text(path) or "" for path in bench.all_files() if path.endswith((".py", ".sql")))
    rows = [row.split(" ", 2) for row in _CODES.split("|")]
    known = [(row[place], row[2]) for row in rows if re.search(rf"['\"]{row[2]}['\"]", said)]
    if len(known) < LEAST:
        return None
    table = ", ".join(f'"{code}": "{name}"' for code, name in known)
    text = f'''
def {{name}}(value):
    """Return a country's name, also from its ISO 3166 code."""
    names = {{{table}}}
    return names.get(value, value)
'''
    return Conversion(form="{call}({value})", wanted="country_name", text=text, words="an ISO 3166 code")
