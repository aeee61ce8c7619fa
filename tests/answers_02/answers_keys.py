"""Answers to 02.5: keys of NAS-Bench-201 cells."""

import collections
import functools
import hashlib
import itertools

import numpy as np

from answers_02 import right, wrong

NAMES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def joined(terms):
    return "+".join(sorted(terms))


def bracketed(name, source):
    return f"({source})@{name}"


def term(name, source):
    if name == "none" or source == "#":
        return "#"
    return source if name == "skip_connect" else bracketed(name, source)


def text(operations, term=term, join=joined, names=NAMES):
    texts, left = ["0"], list(operations)
    for node in (1, 2, 3):
        edges, left = left[:node], left[node:]
        texts.append(join([term(names[o], s) for o, s in zip(edges, texts, strict=True)]))
    return texts[3]


@wrong("02.5", "one-key-for-all")
def constant(operations):
    return "cell"


@wrong("02.5", "every-cell-its-own")
def as_given(operations):
    return operations


@wrong("02.5", "every-cell-its-own")
def with_node_numbers(operations):
    edges = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    nodes = collections.defaultdict(list)
    for (a, b), operation in zip(edges, operations, strict=True):
        nodes[b].append(term(NAMES[operation], str(a)))
    return "|".join(map(joined, nodes.values()))


@wrong("02.5", "operations-only")
def counted(operations):
    return dict(collections.Counter(operations))


@wrong("02.5", "sum-keeps-its-order")
def unsorted(operations):
    return text(operations, join="+".join)


@wrong("02.5", "only-the-output-sorted")
def sorted_at_the_end(operations):
    return text(operations, join=lambda terms: joined(terms) if len(terms) > 2 else "+".join(terms))


@wrong("02.5", "skip-is-written")
def skip_like_others(operations):
    return text(operations, lambda n, s: "#" if n == "none" or s == "#" else bracketed(n, s))


@wrong("02.5", "none-remembers-its-source")
def none_like_others(operations):
    return text(operations, lambda n, s: s if n == "skip_connect" else bracketed(n, s))


@wrong("02.5", "dead-source-alive")
def works_on_nothing(operations):
    return text(
        operations,
        lambda n, s: {"none": "#", "skip_connect": s}.get(n, bracketed(n, s)),
    )


@wrong("02.5", "none-passes-its-source-on")
def none_is_identity(operations):
    return text(operations, lambda n, s: s if n in NAMES[:2] else bracketed(n, s))


@wrong("02.5", "skip-cuts")
def skip_is_none(operations):
    return text(operations, lambda n, s: "#" if n in NAMES[:2] or s == "#" else bracketed(n, s))


@wrong("02.5", "dead-terms-left-out")
def clean_sums(operations):
    return text(operations, join=lambda terms: joined([t for t in terms if t != "#"]) or "#")


@wrong("02.5", "dead-sum-taken-as-dead")
def all_dead(operations):
    def join(terms):
        return "#" if all(t == "#" for t in terms) else joined(terms)

    return text(operations, join=join)


@wrong("02.5", "sums-merged")
def flattened(operations):
    """Keeps a node as the list of its terms; a skip connection passes on all of them."""
    nodes, left = [["0"]], list(operations)
    for node in (1, 2, 3):
        edges, left = left[:node], left[node:]
        terms = []
        for operation, source in zip(edges, nodes, strict=True):
            if operation == 0 or source == ["#"]:
                terms.append("#")
            elif operation == 1:
                terms += source
            else:
                terms.append(bracketed(NAMES[operation], "+".join(source)))
        nodes.append(sorted(terms))
    return "+".join(nodes[3])


@wrong("02.5", "terms-counted-once")
def set_of_terms(operations):
    return text(operations, join=lambda terms: joined(set(terms)))


@wrong("02.5", "brackets-forgotten")
def no_brackets(operations):
    return text(operations, lambda n, s: term(n, s) if n in NAMES[:2] or s == "#" else f"{s}@{n}")


@wrong("02.5", "numbers-for-names")
def with_numbers(operations):
    return text(operations, names=("none", "skip_connect", "2", "3", "4"))


@wrong("02.5", "operation-first")
def like_a_call(operations):
    return text(operations, lambda n, s: term(n, s) if n in NAMES[:2] or s == "#" else f"{n}({s})")


@wrong("02.5", "terms-kept-apart")
def bracket_every_sum(operations):
    def join(terms):
        return f"[{joined(terms)}]" if len(terms) > 1 else terms[0]

    return text(operations, join=join)


@wrong("02.5", "terms-kept-apart")
def tuples(operations):
    def join(terms):
        return terms[0] if len(terms) == 1 else tuple(sorted(terms, key=str))

    def nested(name, source):
        passed = name in NAMES[:2] or source == "#"
        return term(name, source) if passed else (name, source)

    return text(operations, nested, join)


@wrong("02.5", "paths-only")
def set_of_paths(operations):
    edges = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    on = dict(zip(edges, operations, strict=True))
    ways = ((0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3))
    walked = [[on[step] for step in itertools.pairwise(way)] for way in ways]
    return {"".join(str(o) for o in way if o > 1) for way in walked if 0 not in way}


@wrong("02.5", "one-cell-two-keys")
def with_the_first_edge(operations):
    return text(operations), operations[0]


@wrong("02.5", "two-cells-one-key")
def a_short_hash(operations):
    return int(hashlib.md5(text(operations).encode()).hexdigest(), 16) % 7


_CALLS = itertools.count()


@wrong("02.5", "key-changes")
def numbered_calls(operations):
    return text(operations), next(_CALLS)


@wrong("02.5", "not-a-key")
def a_float(operations):
    return 0.5


@right("02.5")
def by_recursion(operations):
    """Writes node 3 by asking for the nodes that it reads."""
    place = {(0, 1): 0, (0, 2): 1, (1, 2): 2, (0, 3): 3, (1, 3): 4, (2, 3): 5}

    @functools.cache
    def node(number):
        if number == 0:
            return "0"
        return "+".join(sorted(edge(source, number) for source in range(number)))

    def edge(source, target):
        operation = operations[place[source, target]]
        if operation == 0 or node(source) == "#":
            return "#"
        return node(source) if operation == 1 else f"({node(source)})@{NAMES[operation]}"

    return node(3)


@right("02.5")
def hashed(operations):
    """The digest of the text, as an array of numbers."""
    return np.frombuffer(hashlib.sha256(text(operations).encode()).digest(), dtype=np.uint8)
