"""From an arm's trial to the problems whose answer changed."""

import json

import streamlit as st

from brainalign.dashboards.choices import arms_of, choose_place, choose_study, mlflow_page, reader, title
from brainalign.reports.live import answers, problem_texts
from brainalign.reports.numbers import setting_text

title("Answers")
name = choose_study()
model, kind = choose_place(name, searched=False)
found = arms_of(name)
found = found[(found.model == model) & (found.kind == kind)].sort_values("role", ascending=False)
arm = st.sidebar.selectbox("Arm", found.arm.tolist(), key="arm")
part = st.sidebar.radio("Part", ["report", "selection"], key="part", horizontal=True)
row = found[found.arm == arm].iloc[0]
numbers = reader().trials(
    name,
    "SELECT number, objective, result_key, setting FROM trials WHERE model = ? AND kind = ? AND arm = ? AND part = ? "
    "AND result_key IS NOT NULL ORDER BY number = ? DESC, objective DESC NULLS LAST, number LIMIT 500",
    [model, kind, str(arm), part, int(row.trial) if row.trial == row.trial else -1],
)
if not len(numbers):
    st.info("No finished trial of this arm on this part.")
    st.stop()
labels = {n: f"trial {n}, objective {o:.3f}" for n, o in zip(numbers.number, numbers.objective, strict=True)}
number = st.sidebar.selectbox("Trial (the winner first)", list(labels), format_func=labels.__getitem__, key="trial")
trial = numbers[numbers.number == number].iloc[0]
setting = json.loads(trial.setting)
st.caption(setting_text(setting))
run = mlflow_page(name, f"{model}/{kind}/{arm}/{number}/{part}")
if run is None:
    st.caption(f"Its run in MLflow: `brainalign mlflow {name}`, or start this with `--mlflow ADDRESS` for a link.")
else:
    st.link_button("Run in MLflow", run)
table = answers(reader(), str(trial.result_key))
if not len(table):
    st.info("This kind has no answers: it measures.")
    st.stop()
counts = table.change.value_counts()
columns = st.columns(4)
for place, change in enumerate(("won", "lost", "still wrong", "still right")):
    columns[place].metric(change, int(counts.get(change, 0)))
wanted = st.multiselect("Show", ["won", "lost", "still wrong", "still right"], default=["won", "lost"], key="changes")
kinds = st.multiselect("Type", sorted(table.type.unique()), key="types")
shown = table[table.change.isin(wanted) & (table.type.isin(kinds) if kinds else True)]
st.dataframe(
    shown,
    hide_index=True,
    width="stretch",
    column_config={
        "margin_before": st.column_config.NumberColumn(format="%.2f", help="Logit of True minus False, before."),
        "margin_after": st.column_config.NumberColumn(format="%.2f", help="At the last check."),
    },
)
st.caption(
    "Rows are answers: a subject whose betas steered, a problem and an order of its premises. Won: wrong before."
)
problems = shown.problem.unique().tolist()
if problems:
    problem = st.selectbox("Problem", problems, key="problem")
    own = shown[shown.problem == problem]
    texts = problem_texts(reader(), name, setting, "report" if part == "report" else "selection")
    if texts.missing:
        st.info(texts.missing)
    for order in sorted(own.order.unique())[:24]:
        left, right = st.columns([1, 1])
        left.code(texts.prompt(str(problem), int(order)) or str(problem), language=None, wrap_lines=True)
        right.dataframe(own[own.order == order][["subject", "right answer", "change", "margin_before", "margin_after"]],
                        hide_index=True, key=f"order {order}")  # fmt: skip
