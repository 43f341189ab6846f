// The page of incidents inside Airflow's UI. No build step: Airflow imports this file and calls what it sets below.
// Every text that is shown was written by strangers (logs, data, a model): React escapes it, and nothing here makes
// HTML of a string. Reads go to /agentic/page; undoing starts a run of the undo Dag through Airflow's own API.
const React = globalThis.React;
const { useCallback, useEffect, useState } = React;
const h = React.createElement;
const BASE = new URL(document.querySelector("base")?.href ?? "/", location.origin).pathname.replace(/\/$/, "");
const MONO = { fontFamily: "ui-monospace, SFMono-Regular, Menlo, monospace", fontSize: "0.8rem" };
const LINE = "1px solid var(--chakra-colors-border, #8884)";
const TONES = {
  good: { background: "#2f855a22", color: "var(--chakra-colors-green-fg, #2f855a)" },
  bad: { background: "#c5303022", color: "var(--chakra-colors-red-fg, #c53030)" },
  plain: { background: "#71809622", color: "inherit" },
};
const EVERY_MS = 10000;

async function ask(path, options) {
  const answer = await fetch(BASE + path, { credentials: "same-origin", ...options });
  const body = await answer.json().catch(() => null);
  if (!answer.ok || body === null) {
    const detail = body?.detail;
    const error = new Error(typeof detail === "string" ? detail : detail ? JSON.stringify(detail) : `HTTP ${answer.status}`);
    error.status = answer.status;
    throw error;
  }
  return body;
}

const read = (path) => ask(`/agentic/page${path}`);
const when = (iso) => (iso ? String(iso).replace("T", " ").replace(/\.\d+/, "").replace(/(\+00:00|Z)$/, " UTC") : "");
const percent = (share) => `${Math.round(share * 100)} %`;

function toneOf(word) {
  if (/^(proved|delivered|success|pr_|ALLOW|approved)/.test(word)) return TONES.good;
  return /^(failed|still_red|broken|DENY|rejected|FAILED)/.test(word) ? TONES.bad : TONES.plain;
}

function Chip({ word }) {
  const shape = { borderRadius: 6, padding: "1px 8px", fontSize: "0.8rem", whiteSpace: "nowrap" };
  return h("span", { style: { ...shape, ...toneOf(word) } }, word.replace(/_/g, " "));
}

function Out({ url, children }) {
  const safe = /^https?:\/\//i.test(url ?? "");
  if (!safe) return url ? h("code", { style: MONO }, url) : null;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", style: { textDecoration: "underline" } }, children ?? url);
}

function Inner({ to, children }) {
  return h("a", { href: `${BASE}${to}`, style: { textDecoration: "underline" } }, children);
}

const runPath = (dagId, runId) => `/dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}`;

function Part({ title, children }) {
  return h(
    "section",
    { style: { borderTop: LINE, padding: "12px 0" }, "aria-label": title },
    h("h3", { style: { fontWeight: 600, marginBottom: 6 } }, title),
    children,
  );
}

function Pre({ children }) {
  const shape = { ...MONO, whiteSpace: "pre-wrap", overflowWrap: "anywhere", maxHeight: 420, overflow: "auto" };
  return h("pre", { style: { ...shape, padding: 8, background: "#71809614", borderRadius: 6 } }, children);
}

function Diff({ text }) {
  const color = (line) => {
    if (/^\+(?!\+\+ )/.test(line)) return TONES.good;
    return /^-(?!-- )/.test(line) ? TONES.bad : {};
  };
  return h(Pre, null, text.split("\n").map((line, n) => h("div", { key: n, style: color(line) }, line || " ")));
}

function Table({ heads, rows }) {
  const cell = { textAlign: "left", padding: "4px 12px 4px 0", verticalAlign: "top" };
  return h(
    "table",
    { style: { width: "100%", borderCollapse: "collapse", fontSize: "0.9rem" } },
    h("thead", null, h("tr", null, heads.map((head) => h("th", { key: head, style: { ...cell, fontWeight: 600 } }, head)))),
    h(
      "tbody",
      null,
      rows.map((row, n) => h("tr", { key: n, style: { borderTop: LINE } }, row.map((value, m) => h("td", { key: m, style: cell }, value)))),
    ),
  );
}

function Problem({ error, doing }) {
  if (!error) return null;
  const said = error.status === 401 ? "you are not logged in any more; reload the page" : error.message;
  return h("div", { role: "alert", style: { ...TONES.bad, padding: 8, borderRadius: 6, margin: "8px 0" } }, `${doing} failed: ${said}`);
}

function Diagnosis({ said, pattern }) {
  const facts = [said.category, said.transience, said.severity, `confidence ${percent(said.confidence)}`, `by ${pattern}`];
  return h(
    Part,
    { title: "Root cause" },
    h("p", null, said.root_cause),
    h("p", { style: { opacity: 0.8 } }, facts.join(" · ").replace(/_/g, " "), said.cites.length ? ` · cites ${said.cites.join(" ")}` : ""),
    h("p", null, h("b", null, "Next: "), said.next_step),
    (said.evidence_gaps ?? []).length ? h("p", null, h("b", null, "Not known: "), said.evidence_gaps.join("; ")) : null,
  );
}

function Evidence({ dossier }) {
  return h(
    Part,
    { title: "Evidence" },
    dossier.suspects.length
      ? h(Table, {
          heads: ["Suspect", "Why", "Score", "Evidence"],
          rows: dossier.suspects.map((s) => [s.what, s.why, s.score.toFixed(2), s.evidence.join(" ")]),
        })
      : h("p", null, "Nothing changed that we can see: no suspects."),
    dossier.evidence.map((e) =>
      h(
        "details",
        { key: e.id, style: { margin: "4px 0" } },
        h("summary", { style: { cursor: "pointer" } }, h("b", null, e.id), ` ${e.title} `, h(Chip, { word: e.trust })),
        h(Pre, null, e.body),
      ),
    ),
    dossier.gaps.map((gap, n) => h("p", { key: n }, h("b", null, "Gap "), `${gap.source}: ${gap.reason}`)),
  );
}

function Proof({ proof }) {
  const runs = [proof.red, proof.green, proof.last_good, ...proof.downstream].filter(Boolean);
  const diffs = [
    ["red → green", proof.data_diff],
    ["last good → green", proof.against_good],
  ];
  return h(
    Part,
    { title: "Proof" },
    h("p", null, h(Chip, { word: proof.status }), " ", proof.reason),
    runs.length
      ? h(Table, {
          heads: ["Run", "Dag", "State", "Tasks"],
          rows: runs.map((run) => [
            run.name.replace(/_/g, " "),
            run.dag_id,
            h(Chip, { word: run.state }),
            run.tasks.map((task) => `${task.task_id} ${task.state}`).join(", "),
          ]),
        })
      : null,
    proof.checks.map((check, n) =>
      h("p", { key: n }, h(Chip, { word: check.passed ? "success" : "FAILED" }), ` ${check.name} ${check.detail}`),
    ),
    diffs.map(([title, tables]) =>
      tables.length
        ? h(Table, {
            key: title,
            heads: [`Data, ${title}`, "Rows", "What differs"],
            rows: tables.map((t) => [t.table, `${t.before_rows ?? 0} → ${t.after_rows ?? 0}`, t.note || "nothing"]),
          })
        : null,
    ),
  );
}

function Verdict({ verdict, approval }) {
  return h(
    Part,
    { title: "Verdict" },
    h("p", null, h(Chip, { word: ["ALLOW", "ASK", "DENY"][verdict.decision] ?? String(verdict.decision) })),
    verdict.findings.map((f, n) => h("p", { key: n }, h("b", null, f.rule), ` ${f.message}`)),
    approval && approval.answer !== "not_needed"
      ? h("p", null, h(Chip, { word: approval.answer }), ` ${approval.by ?? ""} ${when(approval.at)} ${approval.reason}`)
      : null,
  );
}

function Outcome({ outcome }) {
  return h(
    Part,
    { title: "Outcome" },
    h("p", null, h(Chip, { word: outcome.status }), ` ${outcome.title} `, h(Out, { url: outcome.url })),
    outcome.detail ? h("p", null, outcome.detail) : null,
    h("details", null, h("summary", { style: { cursor: "pointer" } }, "What was published"), h(Pre, null, outcome.body)),
  );
}

async function untilEnded(dagId, runId) {
  const path = `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}`;
  for (let tries = 0; tries < 150; tries += 1) {
    const run = await ask(path);
    if (run.state === "success" || run.state === "failed") return run.state;
    await new Promise((go) => setTimeout(go, 2000));
  }
  return "still running after five minutes";
}

function whyNotStarted(error, dagId, incidentId) {
  const byHand = `airflow agentic rollback ${incidentId}`;
  if (error.status === 404) {
    return `there is no Dag ${dagId}. Put undo_dag("${dagId}") into a Dag file, or run: ${byHand}`;
  }
  return error.status === 403 ? `you may not start runs of ${dagId}; whoever may, or a shell with ${byHand}, can` : error.message;
}

function Undo({ said, reload }) {
  const [asked, setAsked] = useState(false);
  const [reason, setReason] = useState("");
  const [going, setGoing] = useState("");
  const [error, setError] = useState(null);
  const { undo, dags, incident } = said;
  if (!undo.possible && !undo.done) return null;
  const start = async () => {
    setError(null);
    setGoing(`A run of ${dags.undo} is on its way ...`);
    try {
      const run = await ask(`/api/v2/dags/${encodeURIComponent(dags.undo)}/dagRuns`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ logical_date: null, conf: { incident_id: incident.id, reason } }),
      });
      const ended = await untilEnded(dags.undo, run.dag_run_id);
      if (ended !== "success") throw new Error(`run ${run.dag_run_id} of ${dags.undo} is ${ended}; its task's log says why`);
      setAsked(false);
      await reload();
    } catch (problem) {
      setError(new Error(problem.status ? whyNotStarted(problem, dags.undo, incident.id) : problem.message));
    }
    setGoing("");
  };
  const button = (label, act, off) =>
    h("button", { type: "button", onClick: act, disabled: off, style: { border: LINE, borderRadius: 6, padding: "4px 12px", marginRight: 8, cursor: off ? "default" : "pointer" } }, label);
  return h(
    Part,
    { title: "Undo" },
    undo.done ? h("p", null, h("b", null, "Taken back: "), undo.done, " ", h(Out, { url: undo.url }), undo.because ? ` (${undo.because})` : "") : null,
    undo.possible ? h("p", null, undo.inverse) : null,
    h(Problem, { error, doing: "Undoing" }),
    going ? h("p", { role: "status" }, going) : null,
    undo.possible && !asked ? button(undo.done ? "Undo again" : "Undo", () => setAsked(true), false) : null,
    undo.possible && asked
      ? h(
          "form",
          { onSubmit: (event) => event.preventDefault() },
          h("label", null, "Why (it stands in the audit) ", h("input", { value: reason, maxLength: 500, onChange: (event) => setReason(event.target.value), style: { border: LINE, borderRadius: 6, padding: "4px 8px", minWidth: 280, marginRight: 8 } })),
          button("Take it back", start, going !== ""),
          button("Keep it", () => setAsked(false), going !== ""),
        )
      : null,
  );
}

function Ledger({ entries, faults }) {
  const facts = (given) => Object.entries(given).filter(([name, value]) => value && name !== "manifest").map(([name, value]) => `${name}=${value}`).join("; ");
  return h(
    Part,
    { title: `Ledger: ${entries.length} lines, ${faults.length ? "BROKEN CHAIN" : "chain whole"}` },
    faults.map((fault, n) => h("p", { key: n, role: "alert", style: TONES.bad }, fault)),
    entries.length && entries.at(-1).facts.manifest ? h("p", null, "Permissions accepted as ", h("code", { style: MONO }, entries.at(-1).facts.manifest)) : null,
    h(
      "details",
      null,
      h("summary", { style: { cursor: "pointer" } }, "What was done, when and why"),
      h(Table, {
        heads: ["#", "When", "Stage", "Event", "Facts", "Digest"],
        rows: entries.map((e) => [
          e.sequence,
          when(e.at),
          e.stage,
          e.event,
          h("span", { style: { ...MONO, overflowWrap: "anywhere" } }, facts(e.facts).slice(0, 600)),
          h("code", { style: MONO }, e.digest.slice(0, 10)),
        ]),
      }),
    ),
  );
}

function Incident({ id, back }) {
  const [said, setSaid] = useState(null);
  const [error, setError] = useState(null);
  const reload = useCallback(async () => {
    try {
      setSaid(await read(`/incidents/${encodeURIComponent(id)}`));
      setError(null);
    } catch (problem) {
      setError(problem);
    }
  }, [id]);
  useEffect(() => {
    reload();
    const timer = setInterval(reload, EVERY_MS);
    return () => clearInterval(timer);
  }, [reload]);
  const head = back ? h("button", { type: "button", onClick: back, style: { textDecoration: "underline", cursor: "pointer" } }, "← All incidents") : null;
  if (said === null) return h("div", null, head, error ? h(Problem, { error, doing: "Reading the incident" }) : h("p", null, "Reading the incident ..."));
  const { incident, dossier, proposal, proof, verdict, approval, outcome } = said;
  return h(
    "div",
    null,
    head,
    h(Problem, { error, doing: "Reading the incident" }),
    h("h2", { style: { fontSize: "1.2rem", fontWeight: 600, margin: "8px 0" } }, incident.dag_id, " ", h(Chip, { word: incident.state })),
    h("p", null, incident.detail),
    h(
      "p",
      { style: { margin: "6px 0" } },
      h(Inner, { to: runPath(incident.dag_id, incident.run_id) }, `failed run ${incident.run_id}`),
      " · ",
      h(Inner, { to: runPath(said.dags.triage, incident.id) }, "triage run"),
      " · ",
      h("code", { style: MONO }, incident.id),
      ` · ${when(incident.first_seen)} to ${when(incident.last_seen)}, ${incident.signals} signal${incident.signals === 1 ? "" : "s"}`,
    ),
    proposal ? h(Diagnosis, { said: proposal.diagnosis, pattern: proposal.pattern }) : null,
    outcome ? h(Outcome, { outcome }) : null,
    h(Undo, { said, reload }),
    proposal?.change ? h(Part, { title: "Change" }, h(Diff, { text: (proof?.reduced ?? proposal.change).diff })) : null,
    proof ? h(Proof, { proof }) : null,
    verdict ? h(Verdict, { verdict, approval }) : null,
    dossier ? h(Evidence, { dossier }) : null,
    h(Ledger, { entries: said.ledger, faults: said.faults }),
  );
}

function Incidents({ open, filter }) {
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const [dagId, setDagId] = useState("");
  const wanted = dagId.trim();
  useEffect(() => {
    let gone = false;
    const load = async () => {
      try {
        const query = filter ?? (wanted ? `?dag_id=${encodeURIComponent(wanted)}` : "");
        const found = await read(`/incidents${query}`);
        if (!gone) setAnswer(found) ?? setError(null);
      } catch (problem) {
        if (!gone) setError(problem);
      }
    };
    const soon = setTimeout(load, wanted ? 400 : 0);
    const timer = setInterval(load, EVERY_MS);
    return () => {
      gone = true;
      clearTimeout(soon);
      clearInterval(timer);
    };
  }, [filter, wanted]);
  const rows = answer?.incidents ?? [];
  return h(
    "div",
    null,
    filter ? null : h("h2", { style: { fontSize: "1.2rem", fontWeight: 600, margin: "8px 0" } }, "Triage of failed Dags"),
    filter
      ? null
      : h("label", null, "Only of Dag ", h("input", { value: dagId, onChange: (event) => setDagId(event.target.value), style: { border: LINE, borderRadius: 6, padding: "4px 8px", margin: "4px 0 12px" } })),
    h(Problem, { error, doing: "Reading incidents" }),
    answer === null && !error ? h("p", null, "Reading incidents ...") : null,
    answer !== null && !rows.length ? h("p", null, filter ? "No incident of this run." : "No incidents yet: nothing has failed, or nothing tells us. airflow agentic check says which.") : null,
    rows.length
      ? h(Table, {
          heads: ["Dag", "Run", "State", "What became of it", "Last seen (signals)", "Published"],
          rows: rows.map((row) => [
            h("button", { type: "button", onClick: () => open(row.incident_id), style: { textDecoration: "underline", cursor: "pointer", fontWeight: 600 } }, row.dag_id),
            row.run_id,
            h(Chip, { word: row.state }),
            row.detail,
            `${when(row.last_seen)} (${row.signals})`,
            h(Out, { url: row.url }),
          ]),
        })
      : null,
    answer?.hidden ? h("p", { style: { opacity: 0.8 } }, `${answer.hidden} more belong to Dags that you may not see.`) : null,
  );
}

function Page({ dagId, runId }) {
  const ofRun = dagId && runId ? `?dag_id=${encodeURIComponent(dagId)}&run_id=${encodeURIComponent(runId)}&limit=200` : null;
  const [id, setId] = useState(() => (ofRun ? "" : new URLSearchParams(location.search).get("incident") ?? ""));
  useEffect(() => {
    if (ofRun) return;
    const address = new URL(location.href);
    if (id) address.searchParams.set("incident", id);
    else address.searchParams.delete("incident");
    history.replaceState(history.state, "", address);
  }, [id, ofRun]);
  return h(
    "div",
    { style: { padding: 16, overflow: "auto", height: "100%", lineHeight: 1.5 }, "data-testid": "agentic-page" },
    id ? h(Incident, { key: id, id, back: () => setId("") }) : h(Incidents, { open: setId, filter: ofRun }),
  );
}

globalThis.AirflowPlugin = Page;
