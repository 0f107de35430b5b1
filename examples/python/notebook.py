# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
#
# A notebook: Visual Studio Code opens it as it is, Jupyter with jupytext (`jupytext --to ipynb notebook.py`), and
# `python notebook.py` runs it whole and leaves `usage.png`.
#
#     pip install odavl pandas matplotlib

# pyright: standard

# %% [markdown]
# # What was used
#
# Whoever may read usage has its history, by the hour, the day or the month, and by who caused it.

# %%
from __future__ import annotations

import tempfile
from datetime import datetime, timedelta, timezone

import matplotlib.pyplot as plt
import odavl
import pandas as pd

# %% [markdown]
# An installation to play with. Elsewhere: `me = odavl.connect("https://odavl.example", key=...)`.

# %%
db = odavl.Odavl.open(data=tempfile.mkdtemp())
db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
me = db.system("acme")

for name, runs in [("nightly", 5), ("on demand", 3)]:
    secret = me.keys.create(name, ["usage:write"]).secret
    assert secret is not None
    session = db.authenticate(secret)
    for run in range(runs):
        session.usage.consume("guardian_tests", 2, tags={"run": str(run)})

# %% [markdown]
# Where every limit stands: values show themselves as tables.

# %%
me.usage.read()

# %% [markdown]
# Records go straight into a data frame, a column a field. `closing` is where a gauge stood.

# %%
now = datetime.now(timezone.utc)
history = me.usage.history(
    "guardian_tests", now - timedelta(days=1), now + timedelta(hours=1), window="hour", group_by="subject"
)
names = {key.id: key.name for key in me.keys.list().items}
used = pd.DataFrame(history)
used["who"] = used["subject"].map(names)
used[["start", "who", "units", "count"]]

# %%
by_hour = used.pivot_table(index="start", columns="who", values="units", aggfunc="sum")
axes = by_hour.plot.bar(stacked=True, ylabel="guardian tests", xlabel="", rot=0)
axes.set_xticklabels([f"{hour:%H:%M}" for hour in by_hour.index])
axes.axhline(20, color="grey", linestyle="--", label="the plan's limit")
axes.legend()
plt.savefig("usage.png")

# %% [markdown]
# The books and the counters are one: what history has is what the limit counts.

# %%
standing = next(limit for limit in me.usage.read().limits if limit.meter == "guardian_tests")
assert sum(bucket.units for bucket in history) == standing.used == 16
print(f"{standing.used} of {standing.limit} guardian tests are used, by {', '.join(by_hour.columns)}")
db.close()
