from hypothesis import given
from hypothesis import strategies as st

from api.answer_memory import AnswerMemory, KeptAnswer, answer_key, weight
from api.engine_port import GraphQLAnswer
from domain.privacy.viewer import Role, Viewer

KEYS = [answer_key(b"%d" % number, Viewer("anna", Role.ANALYST), b"") for number in range(8)]
NAMES = [b"1", b"2", b"3", b"any"]


def kept(length: int, names: tuple[bytes, ...] = (b"1",), expires_at: float = 100.0) -> KeptAnswer:
    return KeptAnswer(GraphQLAnswer(body=b"x" * length), names, expires_at)


steps = st.one_of(
    st.tuples(st.just("keep"), st.sampled_from(KEYS), st.integers(0, 4000), st.sets(st.sampled_from(NAMES))),
    st.tuples(st.just("forget"), st.sets(st.sampled_from(NAMES))),
    st.tuples(st.just("get"), st.sampled_from(KEYS), st.floats(0, 200)),
    st.just(("clear",)),
)


@given(st.lists(steps, max_size=60))
def test_it_never_outgrows_its_room_and_never_shows_what_was_forgotten(taken):
    memory, known = AnswerMemory(most_bytes=10_000), {}
    for step in taken:
        match step:
            case ("keep", key, length, names):
                known[key] = kept(length, tuple(names))
                memory.keep(key, known[key])
            case ("forget", names):
                memory.forget(list(names))
                known = {key: one for key, one in known.items() if names.isdisjoint(one.depends_on)}
            case ("get", key, now):
                assert memory.get(key, now) in (None, known.get(key))
            case _:
                memory.forget(None)
                known = {}
        assert memory.size <= 10_000
        assert memory.size == sum(weight(key, one) for key, one in memory._kept.items())
        assert {key for keys in memory._dependent.values() for key in keys} <= set(memory._kept)
        for key in memory._kept:
            assert memory._kept[key] is known[key]


def test_what_was_used_last_stays_longest():
    memory = AnswerMemory(most_bytes=8 * 700)
    for key in KEYS:
        memory.keep(key, kept(90, ()))
    assert memory.get(KEYS[0], 0.0) is not None
    memory.keep(answer_key(b"new", Viewer("anna", Role.ANALYST), b""), kept(90, ()))
    assert memory.get(KEYS[0], 0.0) is not None
    assert memory.get(KEYS[1], 0.0) is None


def test_one_answer_does_not_push_out_all_others():
    memory = AnswerMemory(most_bytes=100_000)
    memory.keep(KEYS[0], kept(50))
    memory.keep(KEYS[1], kept(20_000))
    assert memory.get(KEYS[0], 0.0) is not None
    assert memory.get(KEYS[1], 0.0) is None
