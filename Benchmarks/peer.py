"""The peer of the pages: the same query and a bare template in Flask, on the same database file."""
import os, sqlite3
from flask import Flask, g, render_template_string, request

app = Flask(__name__)
PATH = os.environ["PEER_DATABASE"]
PAGE = """<!doctype html><html><head><meta charset=utf-8><title>Queue</title></head><body><h1>{{ title }}</h1><table>
{% for r in rows %}<tr><td><a href="/m/{{ r.id }}">{{ r.number }}</a></td><td>{{ r.title }}</td><td>{{ r.state }}</td><td>{{ r.next_due }}</td><td>{{ r.region }}</td><td>{{ r.assignee }}</td></tr>{% endfor %}
</table></body></html>"""


def db():
    if "db" not in g:
        g.db = sqlite3.connect(f"file:{PATH}?mode=ro", uri=True)
        g.db.row_factory = sqlite3.Row
    return g.db


@app.route("/queue")
def queue():
    session = db().execute("SELECT a.* FROM platform_sessions s JOIN platform_accounts a ON a.id = s.account LIMIT 1").fetchone()
    counts = db().execute("SELECT count(*) FROM casework_matters WHERE open = 1 AND region >= '9901' AND region < '9901~'").fetchone()
    rows = db().execute("SELECT * FROM casework_matters WHERE open = 1 AND region >= '9901' AND region < '9901~' ORDER BY next_due, id LIMIT 40").fetchall()
    return render_template_string(PAGE, title=str(counts[0]), rows=rows)


@app.route("/healthz")
def health():
    return {"status": "ok"}
