from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import ConfigError, StateError
from headrace.models.hf.turns import Turns

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}" + CHATML
)
HEADERS = (
    "{% for m in messages %}{% set text = '<|head|>' + m.role + '<|/head|>\n\n' + m.content | trim + '<|eot|>' %}"
    "{% if loop.first %}{% set text = bos_token + text %}{% endif %}{{ text }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|head|>assistant<|/head|>\n\n' }}{% endif %}"
)
ALTERNATE = (
    "{% for m in turns %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate user/assistant/user') }}{% endif %}"
)
INST = (  # no system at all, and no generation prompt
    "{{ bos_token }}{% set turns = messages %}" + ALTERNATE + "{% if m.role == 'user' %}"
    "{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}"
)
INST_SPACED = INST.replace("{{ m.content + eos", "{{ ' ' + m.content | trim + eos")
SYS = (  # the system text goes into the first question
    "{% if messages[0].role == 'system' %}{% set turns = messages[1:] %}{% set sys = messages[0].content %}"
    "{% else %}{% set turns = messages %}{% endif %}" + ALTERNATE + "{% if m.role == 'user' %}"
    "{{ bos_token + '[INST] ' }}{% if loop.first and sys is defined %}{{ '<<S>>\n' + sys + '\n<</S>>\n\n' }}{% endif %}"
    "{{ m.content | trim + ' [/INST]' }}{% else %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
SYS_LAST = (  # the system text goes into the last question
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set turns = messages[1:] %}{% set sys = messages[0].content"
    " %}{% else %}{% set turns = messages %}{% endif %}" + ALTERNATE + "{% if m.role == 'user' %}{{ '[INST]' }}"
    "{% if loop.index0 >= turns | length - 2 and sys is defined %}{{ sys + '\n\n' }}{% endif %}"
    "{{ m.content + '[/INST]' }}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}"
)
MODEL = (  # the assistant under another name, system refused
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% set turns = messages %}" + ALTERNATE + "{% set who = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + who + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
PLAIN = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
NO_PROMPT = "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}{% endfor %}"
SYSTEM_ALONE = CHATML.replace("+ '<|im_end|>'", "+ ('<|none|>' if m.role == 'system' and loop.last else '<|im_end|>')")
CALLS = (  # a result follows a reply, a reply never does
    "{% for m in messages %}{% if m.role == messages[loop.index0 - 1].role and not loop.first %}"
    "{{ raise_exception('twice') }}{% endif %}{{ '<' + m.role + '>' + m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TEMPLATES = {
    "system-alone": SYSTEM_ALONE,
    "chatml": CHATML,
    "default-system": DEFAULT_SYSTEM,
    "headers": HEADERS,
    "inst": INST,
    "inst-spaced": INST_SPACED,
    "sys": SYS,
    "sys-last": SYS_LAST,
    "model": MODEL,
    "plain": PLAIN,
    "no-prompt": NO_PROMPT,
}
WITHOUT_SYSTEM = {"inst", "inst-spaced", "sys-last", "model"}
FREE = ["chatml", "default-system", "headers", "plain", "no-prompt"]

THINKING = (  # only the last reply keeps its reasoning
    "{% for m in messages %}{{ '<|' + m.role + '|>' }}{% if m.role == 'assistant' and loop.last %}"
    "{{ '<think></think>' }}{% endif %}{{ m.content + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
ENDED = "{% for m in messages %}{{ m.role + ':' + m.content + '\n' }}{% endfor %}{{ eos_token }}"
PROMPTED = PLAIN.replace("%}assistant: {%", "%}assistant: <think>{%")
QUOTED = "{% for m in messages %}{{ m.role + ':' + m.content | tojson + '\n' }}{% endfor %}"
SILENT = "{% for m in messages %}{{ m.role + '\n' }}{% endfor %}"
REFUSED = {"thinking": THINKING, "ended": ENDED, "prompted": PROMPTED, "quoted": QUOTED, "silent": SILENT}


@pytest.fixture(scope="module")
def tokenizer():
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<s>": 0, "</s>": 1}, unk_token="<s>"))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>")


def write(turns, messages):
    return "".join(turns.open(m["role"]) + turns.content(m["content"]) + turns.close() for m in messages)


def talk(roles, contents=("Two words.", 'And\n\n"more" <b>', " spaced \n")):
    return [{"role": role, "content": contents[at % len(contents)]} for at, role in enumerate(roles)]


@pytest.mark.parametrize("system", [False, True], ids=["", "system"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_turns_joined_are_the_template_after_every_turn(tokenizer, name, system):
    template = TEMPLATES[name]
    turns = Turns(tokenizer, template=template)
    if system and name in WITHOUT_SYSTEM:
        assert turns.roles == ("user", "assistant")
        with pytest.raises(ConfigError, match="turn 'system': the roles are user, assistant: the chat template"):
            turns.open("system")
        assert turns.role is None
        return
    messages, written = talk(["system"] * system + ["user", "assistant"] * 12), ""
    for n, message in enumerate(messages, 1):
        written += write(turns, [message])
        if message["role"] != "system":
            whole = tokenizer.apply_chat_template(messages[:n], chat_template=template, tokenize=False)
            assert written == whole, (name, n)
        if message["role"] == "user":
            asked = tokenizer.apply_chat_template(
                messages[:n], chat_template=template, tokenize=False, add_generation_prompt=True
            )
            prompt = turns.fork().open("assistant")
            assert written + prompt == asked or name == "no-prompt", (name, n)
    assert turns.nbytes() <= turns.max_bytes()


@given(st.sampled_from(FREE), st.lists(st.sampled_from(["user", "assistant"]), min_size=1, max_size=30), st.booleans())
def test_any_order_where_the_template_allows_it(tokenizer, name, roles, system):
    messages = talk(["system"] * system + roles)
    written = write(Turns(tokenizer, template=TEMPLATES[name]), messages)
    assert written == tokenizer.apply_chat_template(messages, chat_template=TEMPLATES[name], tokenize=False)


@pytest.mark.parametrize("name", REFUSED)
def test_a_template_that_cannot_be_written_on_is_refused_in_one_line(tokenizer, name):
    with pytest.raises(ConfigError, match=r"^the chat template .* give another template$"):
        Turns(tokenizer, template=REFUSED[name])


def test_a_tokenizer_without_a_template_is_refused(tokenizer):
    with pytest.raises(ConfigError, match="no single chat template; give one as template="):
        Turns(tokenizer)


def test_order_is_the_templates_business_and_a_refusal_leaves_the_state(tokenizer):
    turns = Turns(tokenizer, template=MODEL)
    write(turns, talk(["user"]))
    before = json.dumps(turns.snapshot().meta)
    with pytest.raises(StateError, match="refuses turns of user, user: roles must alternate"):
        turns.open("user")
    assert json.dumps(turns.snapshot().meta) == before
    assert turns.open("assistant") == "<start_of_turn>model\n"
    with pytest.raises(StateError, match="'assistant' is open; close it first"):
        turns.open("user")
    turns.close()
    with pytest.raises(StateError, match="close: no turn is open"):
        turns.close()
    with pytest.raises(ConfigError, match=r"turn 'tool': the roles are user, assistant$"):
        turns.open("tool")


def test_further_roles_are_tried_when_they_are_named(tokenizer):
    turns = Turns(tokenizer, roles=("user", "assistant", "tool"), template=CHATML)
    messages = talk(["user", "assistant", "tool", "tool", "assistant", "user"] * 4)
    assert write(turns, messages) == tokenizer.apply_chat_template(messages, chat_template=CHATML, tokenize=False)
    turns = Turns(tokenizer, roles=("user", "assistant", "tool"), template=CALLS)
    messages = talk(["user", *["assistant", "tool"] * 9, "assistant"] * 2)
    assert write(turns, messages) == tokenizer.apply_chat_template(messages, chat_template=CALLS, tokenize=False)
    with pytest.raises(ConfigError, match="refuses turns of"):
        Turns(tokenizer, roles=("user", "assistant", "tool"), template=MODEL)


def test_the_end_that_the_model_said_is_not_written_twice(tokenizer):
    turns = Turns(tokenizer, template=CHATML)
    write(turns, talk(["user"]))
    turns.open("assistant")
    assert turns.fork().close() == "<|im_end|>\n"
    assert turns.fork().close("Yes.<|im_end|>") == "\n"
    assert turns.close("Yes.<|im_end|>\n") == ""
    assert turns.open("user") == "<|im_start|>user\n"


def test_a_space_that_the_model_says_itself_stands_before_given_contents_only(tokenizer):
    turns = Turns(tokenizer, template=INST_SPACED)
    write(turns, talk(["user"]))
    assert turns.open("assistant") == ""
    assert turns.content("\n given ") == " given"


def test_variables_reach_the_template(tokenizer):
    template = CHATML.replace("<|im_end|>", "{{ mark }}").replace("'{{ mark }}'", "mark")
    turns = Turns(tokenizer, template=template, variables={"mark": "#"})
    assert turns.open("user") + turns.close() == "<|im_start|>user\n#\n"


def test_an_endless_conversation_renders_and_remembers_no_more(tokenizer):
    class Counting:
        chat_template, longest = CHATML, 0

        def apply_chat_template(self, messages, **options):
            self.longest = max(self.longest, len(messages))
            return tokenizer.apply_chat_template(messages, **options)

    counting = Counting()
    turns = Turns(counting)
    counting.longest = 0
    sizes = []
    for role in ["system", *(["user", "assistant"] * 20), *(["assistant"] * 40)]:
        write(turns, talk([role]))
        sizes.append(turns.nbytes())
    assert counting.longest <= 15
    assert max(sizes) <= turns.max_bytes()
    assert len(turns.snapshot().meta["past"]) <= 13


@given(st.sampled_from(["headers", "sys", "model", "inst-spaced"]), st.integers(0, 9), st.booleans())
def test_a_restored_conversation_goes_on_the_same(tokenizer, name, done, opened):
    roles = ["user", "assistant"] * 8
    turns, other = (Turns(tokenizer, template=TEMPLATES[name]) for _ in range(2))
    write(turns, talk(roles[:done]))
    if opened:
        turns.open(roles[done])
    snapshot = turns.snapshot()
    snapshot.meta = json.loads(json.dumps(snapshot.meta))
    other.restore(snapshot)
    assert other.snapshot() == snapshot
    for one in (turns, other):
        if opened:
            assert one.role == roles[done]
    if opened:
        assert turns.content(" x ") + turns.close() == other.content(" x ") + other.close()
    rest = talk(roles[done + opened :])
    assert write(turns, rest) == write(other, rest)
    turns.reset()
    assert turns.snapshot() == Turns(tokenizer, template=TEMPLATES[name]).snapshot()


def test_the_snapshot_of_another_template_is_refused(tokenizer):
    with pytest.raises(StateError, match="another chat template"):
        Turns(tokenizer, template=PLAIN).restore(Turns(tokenizer, template=CHATML).snapshot())
