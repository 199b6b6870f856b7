"""The Chat tab: merge, then talk, with the untrained model beside the assistant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from core import chat, studio
from core.config import source
from core.errors import UserError
from core.run import Run, all_runs
from core.status import Status, status
from core.ui import chat_session as session
from core.ui import compare_pane, strength_pane
from core.ui.frame import Frame, Pane
from core.ui.train_views import duration, failure, stage_words
from core.ui.views import bar, next_step, notice

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_LONGEST = 4000


def build(frame: Frame) -> Pane:
    """Lay the tab out and wire it."""
    t = frame.t
    gr.Markdown(
        t("## Talk to it")
        + "\n\n"
        + t("Ask both the same question: your assistant, and the model it was made from.")
    )
    with gr.Row(equal_height=False):
        run_dd = gr.Dropdown(
            [],
            label=t("Assistant"),
            info=t("Each one that was trained here."),
            filterable=False,
            elem_id="chat-run",
            scale=3,
            min_width=220,
        )
        source_dd = gr.Dropdown(
            [],
            label=t("What answers"),
            info=t("A checkpoint is what it had learned by a step; merged is one whole model."),
            filterable=False,
            elem_id="chat-source",
            scale=3,
            min_width=220,
        )
        with gr.Column(scale=2, min_width=200):
            merge_btn = gr.Button(t("Merge"), elem_id="chat-merge")
            gr.HTML(
                f'<p class="hint">{t("Merging makes one model of both, to take elsewhere.")}</p>'
            )
            fused_cb = gr.Checkbox(
                False,
                label=t("Save it for InternLM2’s own tools too"),
                visible=False,
                elem_id="chat-fused",
            )
    state_html = gr.HTML("", elem_id="chat-state")
    strength_slider, strength = strength_pane.build(frame, source_dd)
    with gr.Row(equal_height=True, elem_classes="chats"):
        tuned_chat = gr.Chatbot(
            label=t("Your assistant"),
            height=420,
            buttons=["copy"],
            placeholder=t("It answers here."),
            render_markdown=False,
            feedback_options=None,
            elem_id="chat-tuned",
            min_width=280,
        )
        base_chat = gr.Chatbot(
            label=t("The base model, untrained"),
            height=420,
            buttons=["copy"],
            placeholder=t("For comparison."),
            render_markdown=False,
            feedback_options=None,
            elem_id="chat-base",
            min_width=280,
        )
    with gr.Row(elem_classes="ask"):
        ask_tb = gr.Textbox(
            show_label=False,
            label=t("Your question"),
            placeholder=t("Ask it who it is …"),
            max_length=_LONGEST,
            scale=6,
            elem_id="chat-ask",
            autofocus=False,
        )
        send_btn = gr.Button(
            t("Send"), variant="primary", scale=1, min_width=100, elem_id="chat-send"
        )
    with gr.Row(elem_classes="chips"):
        chips = [
            gr.Button("", size="sm", visible=False, elem_classes="chip", elem_id=f"chat-chip-{i}")
            for i in range(4)
        ]
    with gr.Accordion(t("How it answers"), open=False):
        with gr.Row():
            both_cb = gr.Checkbox(
                True, label=t("Ask the base model too"), elem_id="chat-both", min_width=220
            )
            warm_slider = gr.Slider(
                0, 1.5, 0.0, step=0.1,
                label=t("Imagination"),
                info=t("0 always gives the likeliest answer (called temperature)."),
            )  # fmt: skip
            length_slider = gr.Slider(
                20, 800, 200, step=20,
                label=t("Longest answer"),
                info=t("In tokens (word pieces)."),
            )  # fmt: skip
    with gr.Row(elem_classes="actions"):
        clear_btn = gr.Button(t("New conversation"), elem_id="chat-clear")
        close_btn = gr.Button(t("Unload the model"), visible=False, elem_id="chat-close")
    compared = compare_pane.build(frame, strength_slider)
    gr.HTML(next_step(t("Not right yet? Change the persona or the config: that starts a new run.")))

    def trained() -> list[str]:
        return [r.name for r in all_runs(frame.settings.runs) if r.checkpoints()]

    def open_(found: Run | None) -> Sequence[Any]:
        names = trained()
        offered = session.choices(found, t)
        questions = _questions(found)
        buttons = [
            gr.update(value=q, visible=True) if q else gr.update(visible=False)
            for q in (*questions, "", "", "", "")[:4]
        ]
        return [
            gr.update(choices=names, value=found.name if found and found.name in names else None),
            gr.update(choices=offered, value=offered[0][1] if offered else None),
            gr.update(visible=_from_internlm2(found, frame)),
            *buttons,
            *compared.open(found),
        ]

    def refresh(found: Run | None) -> Sequence[Any]:
        merge = status(found, "merge") if found else Status()
        training = bool(found and status(found).active)
        can = bool(found and found.checkpoints()) and not merge.active and not training
        again = t("Merge again") if found and found.is_merged else t("Merge")
        return [
            _state(found, merge, frame),
            gr.update(interactive=can, value=again),
            gr.update(visible=bool(found and found.chatting)),
            *strength.refresh(found),
            *compared.refresh(found),
        ]

    @frame.guard
    def merge_pressed(run_name: str, source_: str | None, strong: float, fused: bool) -> None:
        found, step = frame.need(run_name), strength_pane.step_of(source_)
        fused = fused and _from_internlm2(found, frame)
        layout: studio.Layout = "internlm2" if fused else "standard"
        studio.merge(found, frame.settings, step, round(strong, 2), layout)

    @frame.guard
    def sent(
        run_name: str,
        source_: str | None,
        question: str,
        tuned: list[Any],
        base: list[Any],
        both: bool,
        warm: float,
        length: float,
        strong: float,
    ) -> Iterator[Any]:
        found = frame.need(run_name)
        if not question.strip():
            return
        ask = {"role": "user", "content": question.strip()[:_LONGEST]}
        mine, theirs = session.plain(tuned), session.plain(base)
        try:
            session.open_source(found, source_ or "", frame.settings)
            mine = [*mine, ask]
            yield mine, theirs, "", gr.skip()
            for words in session.wait(found, t):
                yield gr.skip(), gr.skip(), gr.skip(), notice("info", words)
            length, warm = int(length), float(warm)
            for now in session.answers(
                found, mine, "tuned", length=length, temperature=warm, strength=round(strong, 2)
            ):
                yield now, gr.skip(), gr.skip(), ""
            if both:
                for now in session.answers(
                    found, [*theirs, ask], "base", length=length, temperature=warm
                ):
                    yield gr.skip(), now, gr.skip(), gr.skip()
        except UserError:
            # What was asked goes back into the box, so that nothing has to be typed again.
            yield session.plain(tuned), theirs, question, ""
            raise

    run_tb = frame.run_tb
    sending = [
        run_tb,
        source_dd,
        ask_tb,
        tuned_chat,
        base_chat,
        both_cb,
        warm_slider,
        length_slider,
        strength_slider,
    ]
    shown = [tuned_chat, base_chat, ask_tb, state_html]
    gr.on(
        [send_btn.click, ask_tb.submit],
        sent,
        sending,
        shown,
        trigger_mode="once",
        concurrency_limit=4,
        **_EVENT,
    )
    for chip in chips:
        chip.click(
            sent,
            [run_tb, source_dd, chip, *sending[3:]],
            shown,
            trigger_mode="once",
            concurrency_limit=4,
            **_EVENT,
        )
    run_dd.input(lambda name: name, [run_dd], [run_tb], **_EVENT)
    clear_btn.click(lambda: ([], [], ""), None, [tuned_chat, base_chat, ask_tb], **_EVENT)
    both_cb.input(lambda both: gr.update(visible=both), [both_cb], [base_chat], **_EVENT)
    acted = [
        merge_btn.click(
            merge_pressed,
            [run_tb, source_dd, strength_slider, fused_cb],
            None,
            trigger_mode="once",
            **_EVENT,
        ),
        *strength.acted,
        *compared.acted,
        close_btn.click(
            frame.guard(lambda name: chat.close(frame.need(name))), [run_tb], None, **_EVENT
        ),
    ]
    return Pane(
        filled=[tuned_chat, base_chat],
        fill=lambda found, draft: ([], []),
        opened=[run_dd, source_dd, fused_cb, *chips, *compared.opened],
        open=open_,
        fresh=[state_html, merge_btn, close_btn, *strength.fresh, *compared.fresh],
        refresh=refresh,
        acted=acted,
    )


def _questions(found: Run | None) -> tuple[str, ...]:
    if found is None or not found.config_file.exists():
        return ()
    try:
        return source.load(found.config_file).settings.evaluation_inputs[:4]
    except UserError:
        return ()


def _from_internlm2(found: Run | None, frame: Frame) -> bool:
    try:
        return bool(found and studio.from_internlm2(found, frame.settings))
    except UserError:
        return False


def _state(found: Run | None, merge: Status, frame: Frame) -> str:
    """Progress or outcome of the merge, and what stands in the way of talking."""
    t = frame.t
    if found is None or not found.checkpoints():
        # studio.css hides what cannot be used until then.
        others = any(r.checkpoints() for r in all_runs(frame.settings.runs))
        told = notice("info", t("Train an assistant first; then you can talk to it here."))
        return f'<div class="untrained {"" if others else "none"}">{told}</div>'
    if merge.active:
        part = merge.stage_done / merge.stage_total if merge.stage_total else 0.0
        words = stage_words(merge.stage or "merging", t)
        return f'<div class="notice info" role="status">{words}{bar(part, words)}</div>'
    if merge.state == "failed":
        return failure(merge, frame.language, t)
    if merge.state == "finished" and found.is_merged:
        took = duration(merge.elapsed_seconds, t)
        words = t("Merged in {time}: one model, in the run’s folder.", time=took)
        if found.merged_internlm2.exists():
            words += "\n" + t("For InternLM2’s own tools it is there too, in merged-internlm2.")
        return notice("good", words)
    return ""
