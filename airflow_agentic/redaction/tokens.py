"""Tokens that are known by their own letters: vendors' prefixes, key blocks, addresses that are credentials.

One row each: the kind that the placeholder shows, words of which one must stand in the text before the pattern is
tried, and the pattern. Its group ``value`` is the secret, or the whole match when it has none. A pattern is
compiled when its word is first seen: most texts have none, and an import must stay cheap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from airflow_agentic.redaction.nearby import Vocabulary

_SHORT = 400
_LEFT = r"(?<![A-Za-z0-9])"
_RIGHT = r"(?![A-Za-z0-9])"

# Letters of the kind, the words, and what follows the left border of a token; a list of prefixes is one row.
_PREFIXED: tuple[tuple[str, str, str], ...] = (
    ("aws-key", "AKIA ASIA ABIA ACCA A3T", r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}"),
    ("aws-key", "ABSK", r"ABSK[A-Za-z0-9+/]{80,400}={0,2}"),
    ("github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    ("gitlab-token", "glpat- glptt- gldt- glrt- glcbt- glsoat- glft- glagent- gloas- glimt- glffct- GR1348941", r"(?:gl(?:pat|ptt|dt|rt|rtr|cbt|soat|ft|agent|oas|imt|ffct)-[A-Za-z0-9_=.-]{16,255}|GR1348941[A-Za-z0-9_-]{20,60})"),
    ("gitlab-token", "_gitlab_session=", r"_gitlab_session=(?P<value>[A-Za-z0-9%-]{16,512})"),
    ("slack-token", "xoxb- xoxa- xoxp- xoxr- xoxs- xoxo- xoxe xoxd- xoxc- xapp-", r"(?:xox[abposrcd]-[A-Za-z0-9%/+=-]{10,400}|xox[e]\.?(?:xox[bp])?-[A-Za-z0-9-]{10,400}|xapp-\d-[A-Za-z0-9-]{10,255})"),
    ("api-key", "sk- sk_ rk_ sk. pk_ prod_", r"(?:sk-[A-Za-z0-9_-]{20,255}|[srp]k_(?:live|test|prod)_[A-Za-z0-9_]{16,255}|sk\.[A-Za-z0-9_.-]{40,255}|sk_[0-9]{2,12}_[0-9]{2,12}_[a-f0-9]{32}|sk_[A-Za-z0-9]{32,64}|pk_\d{4,12}_[A-Z0-9]{32})"),
    ("google-key", "AIza ya29. GOCSPX- 1//0", r"(?:AIza[A-Za-z0-9_-]{35}|ya29\.(?:[a-z]\.){0,2}[A-Za-z0-9_-]{20,2000}|GOCSPX-[A-Za-z0-9_-]{20,60}|1//0[A-Za-z0-9_-]{30,200})"),
    ("package-token", "npm_ pypi- dckr_ hf_ api_org_ rubygems_ nuget cio oy2 CLOJARS_ crates", r"(?:npm_[A-Za-z0-9]{36}|pypi-Ag[A-Za-z0-9_-]{50,1000}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,64}|hf_[A-Za-z0-9]{30,64}|api_org_[A-Za-z0-9]{34}|rubygems_[a-f0-9]{48}|CLOJARS_[A-Za-z0-9]{60}|oy2[a-z0-9]{43}|cio[A-Za-z0-9]{32})"),
    ("artifactory-token", "AKCp cmVmdG", r"(?:AKCp[A-Za-z0-9]{10,80}|cmVmdGtuO[A-Za-z0-9]{50,70})"),
    ("vendor-token", "dapi dkea dose", r"(?:dapi|dkea|dose)[a-f0-9]{32}(?:-\d)?"),
    ("vendor-token", "SG.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    ("vendor-token", "shp", r"shp(?:at|ca|pa|ss)_[A-Za-z0-9]{32,64}"),
    ("vendor-token", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{20,400}"),
    ("vendor-token", "s. b.", r"[sb]\.(?=[A-Za-z]{0,23}\d)(?=[A-Z0-9]{0,23}[a-z])(?=[a-z0-9]{0,23}[A-Z])[A-Za-z0-9]{24}"),
    ("vendor-token", "s.CAES b.AAAA", r"(?:s\.CAES|b\.AAAA)[A-Za-z0-9_-]{60,400}"),
    ("vendor-token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    ("vendor-token", "glsa_ glc_", r"(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2})"),
    ("vendor-token", "lin_api_ lin_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}"),
    ("vendor-token", "PMAK- PMAT-", r"(?:PMAK-[a-f0-9]{24}-[a-f0-9]{34}|PMAT-[A-Z0-9]{26})"),
    ("vendor-token", "dp.", r"dp\.(?:pt|st|sa|ct|scim|audit|said)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    ("vendor-token", "NRAK- NRJS- NRII- NRIQ- NRRA- NRSP NRAA NRBR", r"NR(?:AK|JS|II|IQ|RA|SP|AA|BR)-?[A-Za-z0-9_-]{18,60}"),
    ("vendor-token", "figd_ figo_ figu", r"fig(?:d|o|u|dr|or|ur|p)_[A-Za-z0-9_-]{20,80}"),
    ("vendor-token", "ATATT ATCTT ATBB ATSTT", r"AT(?:ATT3|CTT3|STT3)[A-Za-z0-9_=-]{50,300}|ATBB[A-Za-z0-9]{24,40}"),
    ("vendor-token", "pat-", r"pat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    ("vendor-token", "pat", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("vendor-token", "secret_ ntn_", r"(?:secret_[A-Za-z0-9]{40,50}|ntn_[A-Za-z0-9]{40,60})"),
    ("vendor-token", "gsk_ xai- r8_ pplx- tvly- ollama jina_ nvapi- csk- fw_ e2b_ together", r"(?:gsk_[A-Za-z0-9]{40,70}|xai-[A-Za-z0-9_]{60,100}|r8_[A-Za-z0-9_-]{30,48}|pplx-[A-Za-z0-9]{30,64}|tvly-(?:dev-|prod-)?[A-Za-z0-9]{20,64}|jina_[A-Za-z0-9_-]{50,80}|nvapi-[A-Za-z0-9_-]{50,100}|csk-[a-z0-9]{40,60}|fw_[A-Za-z0-9]{20,40}|e2b_[a-f0-9]{40})"),
    ("vendor-token", "tfp_ pul- sq0 EAAA sbp_ dbtu_ dbtc_ dbtp_ pscale_ rdme_ nfp_ vercel_ vcp_ vci_ vca_ vcr_ vck_", r"(?:tfp_[A-Za-z0-9_.=-]{30,80}|pul-[a-f0-9]{40}|sq0[a-z]{3}-[A-Za-z0-9_-]{22,60}|EAAA[A-Za-z0-9+=_-]{50,100}|sb[ps]_[a-z0-9]{40}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{20,60}|dbt[ucp]_[A-Za-z0-9_-]{20,80}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9=._-]{32,64}|rdme_[a-z0-9]{60,80}|nfp_[A-Za-z0-9]{36,44}|vc[piark]_[A-Za-z0-9]{24,80})"),
    ("vendor-token", "tskey- AGE-SECRET-KEY- sntrys_ sntryu_ sntrya_ ops_eyJ A3- whsec_ fio-u- shippo_", r"(?:tskey-[a-z]{2,12}-[A-Za-z0-9]{6,40}(?:-[A-Za-z0-9]{10,80})?|AGE-SECRET-KEY-1[A-Z0-9]{40,70}|sntry[sua]_[A-Za-z0-9+/=_-]{30,400}|ops_eyJ[A-Za-z0-9_+/=-]{30,2000}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}|whsec_[A-Za-z0-9+/=_-]{24,80}|fio-u-[A-Za-z0-9_=-]{60,70}|shippo_(?:live|test)_[a-f0-9]{40})"),
    ("vendor-token", "SK", r"SK[0-9a-f]{32}"),
    ("vendor-token", "pnu_ pnb_", r"pn[ub]_[A-Za-z0-9]{30,60}"),
    ("password-hash", "SCRAM-SHA-", r"SCRAM-SHA-(?:1|256|512)\$\d{1,7}:[A-Za-z0-9+/=]{8,100}\$[A-Za-z0-9+/=]{16,120}:[A-Za-z0-9+/=]{16,120}"),
    ("vendor-token", "key-", r"key-[0-9a-f]{32}"),
    ("vendor-token", "sgp_ slk_ sonar squ_ sqp_ sqa_ odt_ pgar_ doppler ddp_ ddw_", r"(?:sgp_(?:local_|[a-f0-9]{16}_)?[a-f0-9]{40}|slk_[a-f0-9]{64}|sq[upa]_[a-f0-9]{40}|odt_(?:[A-Za-z0-9]{8}_)?[A-Za-z0-9]{32,40}|pgar_[A-Za-z0-9]{20,48}|dd[pw]_[A-Za-z0-9]{34,40})"),
    ("vendor-token", "rzp_ rpa_ rnd_ fm1 fm2_ FlyV1 HRKU- EZAK EZTK", r"(?:rzp_(?:live|test)_[A-Za-z0-9]{14,24}|rpa_[A-Z0-9]{40,48}[a-z0-9]{0,4}|rnd_[A-Za-z0-9]{20,40}|fm[12][ar]?_[A-Za-z0-9+/=]{40,800}|FlyV1 fm[12][ar]?_[A-Za-z0-9+/=,_-]{40,1600}|HRKU-[A-Za-z0-9_-]{36,64}|EZ[AT]K[A-Za-z0-9]{54})"),
    ("vendor-token", "tkn.v1_ lsv2_ bkua_ CCIPAT_ CCIPRJ_ spu- spk- rootly_ sub-c- pub-c- sec-c- mlsn. re_ ak_ dnkey- kp_", r"(?:tkn\.v1_[A-Za-z0-9_-]{40,80}=*|lsv2_(?:pt|sk|us)_[a-f0-9]{32}_[a-f0-9]{10}|bkua_[a-z0-9]{40}|CCIP(?:AT|RJ)_[A-Za-z0-9_]{40,80}|sp[uk]-[a-f0-9]{32}|rootly_[a-f0-9]{64}|(?:sub|pub|sec)-c-[A-Za-z0-9-]{36,60}|mlsn\.[a-f0-9]{64}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24})"),
    ("vendor-token", "LTAI FLWSECK duffel_ sm_ oaat_", r"(?:LTAI[A-Za-z0-9]{12,24}|FLWSECK(?:_TEST)?-[a-f0-9A-Z]{12,40}(?:-X)?|duffel_(?:live|test)_[A-Za-z0-9_=-]{43}|sm_(?:pat|aat|sat)_[A-Za-z0-9]{16})"),
    ("vendor-token", "amzn.mws. amzn1.oa2-cs.", r"(?:amzn\.mws\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|amzn1\.oa2-cs\.v1\.[0-9a-f]{64})"),
    ("fernet-token", "gAAAAAB", r"gAAAAAB[A-Za-z0-9_-]{60,4000}={0,2}"),
    ("docker-config", "eyJhdXRocyI6", r"eyJhdXRocyI6[A-Za-z0-9+/_-]{20,8000}={0,2}"),
    ("artifactory-token", "AKC AP2 AP3 AP5 AP6", r"A(?:KC|P[2356])[A-Za-z0-9]{10,80}"),
    ("vendor-token", "live_", r"live_\d{6,12}_[A-Za-z0-9]{30}"),
    ("vendor-token", "eyJrIjoi", r"eyJrIjoi[A-Za-z0-9+/_-]{40,400}={0,2}"),
    ("vendor-token", "AAAAAAAA", r"A{21,22}(?!A)[A-Za-z0-9%]{60,200}"),
    ("vendor-token", "EAA", r"EAA[A-Za-z0-9]{60,300}"),
    ("vendor-token", "xkeysib- xsmtpsib- ion_ hubspot ptr_ ubp_ cfk_ cfut_ cfat_ v1.0- phc_ phx_ sdk- CFPAT- contentful", r"(?:x(?:keysib|smtpsib)-[a-f0-9]{64}-[A-Za-z0-9]{16}|ion_[A-Za-z0-9]{42}|ptr_[A-Za-z0-9+/=]{44}|ubp_[A-Za-z0-9]{20,40}|cf(?:k|ut|at)_[A-Za-z0-9]{36,60}|v1\.0-[a-f0-9]{24}-[a-f0-9]{146}|ph[cx]_[A-Za-z0-9]{40,60}|sdk-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|CFPAT-[A-Za-z0-9_-]{40,60})"),
    ("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,2000})?"),
)  # fmt: skip

# The word stands within the token.
_WITHIN: tuple[tuple[str, str, str], ...] = (
    ("vendor-token", "atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,100}"),
    ("vendor-token", "-us", r"[0-9a-f]{32}-us\d{1,2}"),
    ("azure-token", "JQQJ9 AZDO", r"[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{27}|[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    ("vendor-token", "8Q~ 7Q~", r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}"),
    ("discord-token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"),
    ("telegram-token", ":AA", r"\d{8,10}:(?:AA[A-Za-z0-9_-]{32,34}|[A-Za-z0-9_-]{35})"),
    ("salesforce-token", "!A", r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{60,200}"),
    ("vendor-token", "NRAL NRMA", r"[A-Za-z0-9-]{24,60}NR[AM][LA]"),
)  # fmt: skip

# No border of letters holds for these.
_PLACED: tuple[tuple[str, str, str], ...] = (
    ("pem", "-----BEGIN", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s\\,:.]|-(?!----)){0,20000}(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"),
    ("pem", "-----BEGIN", r"-----BEGIN [A-Z ]{0,30}SEED-----(?P<value>[A-Z2-7\s\\n]{20,200})-"),
    ("password-hash", "*", r"\*[0-9A-F]{40}(?!\w)"),
    ("pem", "-BEGIN ----", r"-----BEGIN [A-Za-z0-9 ]{0,40}[Ss]tatic key V1-----(?P<value>[0-9a-f\s\\n]{32,4000})-----END|---- BEGIN SSH2 [A-Z ]{0,20}PRIVATE KEY ----(?P<block>[^-]{20,20000})---- END"),
    ("pem", "LS0tLS1CRUdJTi", r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,20000}={0,2}"),
    ("pem", "Private-Lines", r"Private-Lines:[ \t]{0,4}\d{1,4}(?:\\n|\s){1,4}(?P<value>[A-Za-z0-9+/=\s\\]{16,20000}?)(?=Private-MAC|$)"),
    ("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?P<value>(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,255})"),
    ("webhook", "webhook", r"(?:outlook\.office(?:365)?\.com/webhook|webhook\.office\.com/webhookb2|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{10,25}|hooks\.zapier\.com/hooks/catch)/(?P<value>[A-Za-z0-9@/_.~-]{12,512})"),
    ("webhook", "webhook hooks.", r"(?:hooks\.zapier\.com/hooks/catch|hook\.[a-z0-9.]{0,12}(?:make|integromat)\.com|chat\.googleapis\.com/v1/spaces)/(?P<value>[A-Za-z0-9@/_.~-]{12,512})"),
    ("telegram-token", "/bot", r"/bot(?P<value>\d{6,12}:[A-Za-z0-9_-]{20,60})"),
    ("azure-key", "Key=", r"(?:Account|SharedAccess|Access)Key=(?P<value>[A-Za-z0-9+/]{20,100}={0,2})"),
    ("azure-key", ".windows.net", r"fs\.azure\.[\w.-]{4,100}\.windows\.net[\"']?(?:[ \t]{0,3}[=:,][ \t]{0,3}|[ \t]{1,3})[\"']?(?P<value>[A-Za-z0-9+/]{20,100}={0,2})"),
    ("password-hash", "$", r"\$(?:1|2[abxy]|5|6|y|argon2id?|apr1|pbkdf2-sha\d+)\$(?P<value>[^\s\"':,<>]{12,400})"),
    ("password-hash", "pbkdf2: scrypt: {SSHA", r"(?:pbkdf2:sha\d{1,3}:\d{1,7}\$|scrypt:\d{1,7}:\d{1,2}:\d{1,2}\$|\{S?SHA(?:256|512)?\})(?P<value>[^\s\"',<>]{12,400})"),
    ("password-hash", ":::", r":[0-9a-fA-F]{32}:(?P<value>[0-9a-fA-F]{32}):::"),
    ("sentry-key", "ingest", r"https://(?P<value>[0-9a-f]{32})@[\w.-]{1,100}"),
)  # fmt: skip


def fixed_tokens(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each token that is known by its own letters."""
    for kind, words, pattern in _PREFIXED_ROWS if len(text) > _SHORT or _any_prefix().search(text) else ():
        for word in vocabulary.of(words):
            at = text.find(word)
            while at >= 0:
                if not text[at - 1 : at].isalnum():
                    found = _compiled(pattern).match(text, at)
                    if found:
                        yield *_span(found), kind
                at = text.find(word, at + len(word))
    for kind, words, pattern in _SEARCHED_ROWS:
        if vocabulary.of(words):
            for found in _compiled(pattern).finditer(text):
                yield *_span(found), kind


def _span(found: re.Match[str]) -> tuple[int, int]:
    return found.span(found.lastgroup or 0)


@cache
def _any_prefix() -> re.Pattern[str]:
    """In a short text one search for all of them is faster than a search for each."""
    return re.compile("|".join(re.escape(word) for _, words, _ in _PREFIXED_ROWS for word in words))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_PREFIXED_ROWS = tuple((kind, tuple(words.split()), f"(?:{pattern}){_RIGHT}") for kind, words, pattern in _PREFIXED)
_SEARCHED_ROWS = (
    *((kind, tuple(words.split()), f"{_LEFT}(?:{pattern}){_RIGHT}") for kind, words, pattern in _WITHIN),
    *((kind, tuple(words.split()), pattern) for kind, words, pattern in _PLACED),
)
