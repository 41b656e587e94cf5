import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.resp3 import Parser, ProtocolFault, Push, ReplyError, encode

KINDS = (bytes, int, float, bool, list, ReplyError, Push)

words = st.binary(max_size=40)
lines = st.binary(max_size=20).filter(lambda text: b"\r" not in text and b"\n" not in text)
plain = st.one_of(
    words.map(lambda v: (b"$%d\r\n%b\r\n" % (len(v), v), v)),
    lines.map(lambda v: (b"+%b\r\n" % v, v)),
    st.integers(-(2**63), 2**63 - 1).map(lambda v: (b":%d\r\n" % v, v)),
    st.integers(-(10**30), 10**30).map(lambda v: (b"(%d\r\n" % v, v)),
    st.booleans().map(lambda v: (b"#%b\r\n" % (b"t" if v else b"f"), v)),
    st.sampled_from([(b"_\r\n", None), (b"$-1\r\n", None), (b"*-1\r\n", None)]),
    st.floats(allow_nan=False).map(lambda v: (b",%b\r\n" % repr(v).encode(), v)),
    st.text("abc ", max_size=9).map(lambda v: (b"-%b\r\n" % v.encode(), ReplyError(v))),
)


def several(inner):
    return st.lists(inner, max_size=4).flatmap(
        lambda items: st.sampled_from(
            [
                (b"*%d\r\n" % len(items) + joined(items), [v for _, v in items]),
                (b"~%d\r\n" % len(items) + joined(items), [v for _, v in items]),
                (b">%d\r\n" % len(items) + joined(items), Push([v for _, v in items])),
                (b"%%%d\r\n" % len(items) + joined(items * 1, twice=True), doubled(items)),
            ]
        )
    )


def joined(items, *, twice=False):
    return b"".join(sent * (2 if twice else 1) for sent, _ in items)


def doubled(items):
    return [value for _, value in items for _ in range(2)]


replies = st.recursive(plain, several, max_leaves=12)


@given(st.lists(replies, min_size=1, max_size=3))
def test_replies_are_the_same_wherever_the_bytes_are_cut(sent):
    whole, expected = joined(sent), [value for _, value in sent]
    assert Parser().feed(whole) == expected
    for cut in range(len(whole) + 1):
        parser = Parser()
        assert parser.feed(whole[:cut]) + parser.feed(whole[cut:]) == expected


@given(st.lists(replies, min_size=1, max_size=3))
def test_replies_are_the_same_byte_by_byte(sent):
    parser = Parser()
    found = [value for byte in joined(sent) for value in parser.feed(bytes([byte]))]
    assert found == [value for _, value in sent]


@given(st.binary(max_size=200))
def test_any_bytes_give_replies_or_the_fault_and_never_anything_else(received):
    parser, found = Parser(), []
    with suppress(ProtocolFault):
        for start in range(0, len(received), 7):
            found += parser.feed(received[start : start + 7])
    assert all(reply is None or isinstance(reply, KINDS) for reply in found)


@given(st.lists(words, min_size=1, max_size=5))
def test_a_command_is_an_array_of_its_parts(parts):
    assert Parser().feed(encode(*parts)) == [parts]


@pytest.mark.parametrize(
    "sent",
    [
        b"?\r\n",
        b"$x\r\n",
        b"$-2\r\n",
        b"$3\r\nabcd\r\n",
        b"*999999999\r\n",
        b"#x\r\n",
        b",x\r\n",
        b"*1\r\n" * 9 + b"_\r\n",
        b"+" + b"a" * 70_000,
    ],
)
def test_what_is_not_resp3_is_refused(sent):
    with pytest.raises(ProtocolFault):
        Parser().feed(sent)


def test_infinity_and_attributes_are_understood():
    assert Parser().feed(b",inf\r\n") == [math.inf]
    assert Parser().feed(b"|1\r\n+ttl\r\n:5\r\n$2\r\nhi\r\n") == [b"hi"]


def test_an_error_belongs_to_its_command_alone():
    assert Parser().feed(b"-ERR no such thing\r\n!5\r\nERR x\r\n+OK\r\n") == [
        ReplyError("ERR no such thing"),
        ReplyError("ERR x"),
        b"OK",
    ]
