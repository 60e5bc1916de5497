"""Cards: answers and alerts with what they rest on; they come first because they were asked for."""

from __future__ import annotations

from headrace.apps.page.markup import named, part_of, plain, section, when
from headrace.apps.page.pictures import Pictures
from headrace.apps.result import Alert, Answer, Evidence, Result
from headrace.apps.wording import clock, counted, length

#: The most cards of answers, and of alerts, in a page; the rest is in events.json.
CARDS = 300

#: The most pieces of evidence shown with one answer or alert.
PROOFS = 6

#: What a piece of evidence is, and what an answer made of such pieces is quoted from.
SEEN = {"text": "on screen", "speech": "said", "event": "seen", "sound": "heard"}
QUOTED = {"text": "the screen", "speech": "what was said", "event": "what was seen", "sound": "what was heard"}


def cards(result: Result, pictures: Pictures) -> str:
    """The sections of answers and of alerts; nothing for what nobody asked."""
    answers, alerts, out = result.answers[:CARDS], result.alerts[:CARDS], ""
    if answers:
        made = "".join(_answer(i, answer, pictures, result) for i, answer in enumerate(answers, 1))
        note = part_of(len(answers), len(result.answers))
        out += section("answers", "Answers", note, f"<ol class=cards>{made}</ol>")
    fired = {alert.when for alert in result.alerts}
    silent = [text for text in result.standing if text not in fired]
    if alerts or silent:
        made = "".join(_alert(i, alert, pictures, result) for i, alert in enumerate(alerts, 1))
        never = "".join(f"<li><span class=tag>never</span> {plain(text)}</li>" for text in silent)
        body = (f"<ol class=cards>{made}</ol>" if made else "") + (f"<ul class=never>{never}</ul>" if never else "")
        out += section("alerts", "Alerts", part_of(len(alerts), len(result.alerts)), body)
    return out


def _answer(i: int, answer: Answer, pictures: Pictures, result: Result) -> str:
    note = []
    if answer.seen:
        origin = " and ".join(dict.fromkeys(QUOTED[proof.kind] for proof in answer.evidence))
        made = {"extractive": "quoted", "llm": "worded by a language model"}[answer.by]
        note.append(f"{made} from {origin}" if origin else made)
    if answer.asked_at_s is not None:
        note.append(f"asked at {clock(answer.asked_at_s)}")
    if answer.note:
        note.append(plain(answer.note, 300))
    said = plain(answer.text) if answer.seen else "Not seen"
    return (
        f'<li id="answer-{i}" class="card {"seen" if answer.seen else "unseen"}" tabindex=-1><div class=what>'
        f"<p class=ask><span class=tag>Q{i}</span>{plain(answer.question)}</p><p class=say>{said}</p>"
        f"<p class=note>{' · '.join(note)}</p></div>{_evidence(answer.evidence, pictures, result)}</li>"
    )


def _alert(i: int, alert: Alert, pictures: Pictures, result: Result) -> str:
    quoted = {f'"{proof.text}"' for proof in alert.evidence}
    repeats = set(alert.text.split("; ")) <= quoted or alert.text == alert.when
    said = f"<p class=say>{plain(alert.text)}</p>" if alert.text and not repeats else ""
    told = f" · told {length(alert.latency_s)} later" if alert.latency_s is not None else ""
    return (
        f'<li id="alert-{i}" class="card alert" tabindex=-1><div class=what>'
        f"<p class=ask><span class=tag>A{i}</span>{plain(alert.when)}</p>{said}"
        f"<p class=note>became true at {when(alert.t_s, fine=True)}{told}</p></div>"
        f"{_evidence(alert.evidence, pictures, result)}</li>"
    )


def _evidence(evidence: list[Evidence], pictures: Pictures, result: Result) -> str:
    if not evidence:
        return ""
    items, used = [], set()
    for proof in evidence[:PROOFS]:
        where = f" in {named(result, proof.source)}" if len(result.sources) > 1 else ""
        again = proof.thumbnail in used
        image = "" if again else pictures.image(proof.thumbnail, f"{proof.source} at {clock(proof.start_s)}")
        used.add(proof.thumbnail)
        quote = f"<blockquote>{plain(proof.text, 400)}</blockquote>" if proof.text else ""
        told = f"<b class=kind>{SEEN[proof.kind]}</b>{where}, {when(proof.start_s, proof.end_s)}"
        items.append(f'<li class="{proof.kind}">{image}<div>{quote}<p class=note>{told}</p></div></li>')
    more = len(evidence) - PROOFS
    rest = f"<li class=note>and {counted(more, 'more place')} in events.json</li>" if more > 0 else ""
    return f"<ul class=evidence>{''.join(items)}{rest}</ul>"
