"""What every search space promises, tried on all that are registered and on small instances."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.spaces import ChainSpace, EightOperationsSpace, ENASMicroSpace
from nas_course.spaces.choices import one_point, uniform

REGISTERED = [spaces.get(name) for name in spaces.SPACES]
# Small enough to be listed; the last one has a choice without alternative.
LISTED = [
    spaces.get("nas-bench-201"),
    spaces.get("mixed"),
    EightOperationsSpace(nodes=1),
    EightOperationsSpace(nodes=2),
    ENASMicroSpace(nodes=1),
    ChainSpace(stages=1, layers=3, operations=("nor_conv_3x3",), widths=(1, 2)),
    ChainSpace(stages=2, layers=2, operations=("nor_conv_3x3", "sep_conv_3x3"), widths=(4,)),
    ChainSpace(stages=3, layers=1, operations=("nor_conv_5x5",), widths=(2,)),
]
seeds = st.integers(0, 2**32 - 1)


def name_of(space):
    return f"{space.name}-{space.size:.3g}"


each_space = pytest.mark.parametrize("space", REGISTERED, ids=name_of)
each_listed = pytest.mark.parametrize("space", LISTED, ids=name_of)
each_of_both = pytest.mark.parametrize("space", REGISTERED + LISTED[2:], ids=name_of)


def drawn(space, seed):
    rng = np.random.default_rng(seed)
    return space.sample(rng), rng


@pytest.mark.parametrize("name", spaces.SPACES)
def test_the_registry_holds_each_space_under_its_own_name(name):
    assert spaces.get(name).name == name


@each_of_both
@given(seed=seeds)
def test_the_text_of_an_architecture_reads_back_as_it(space, seed):
    architecture, _ = drawn(space, seed)
    again = space.parse(str(architecture))
    assert again == architecture and hash(again) == hash(architecture)
    assert type(again) is type(architecture)


@each_of_both
@given(seed=seeds)
def test_the_indices_of_an_architecture_give_it_back(space, seed):
    architecture, _ = drawn(space, seed)
    indices = space.indices(architecture)
    assert len(indices) == len(space.choices) == len(space.active(architecture))
    assert space.from_indices(indices) == architecture
    assert space.from_indices(np.array(indices)) == architecture
    assert all(0 <= k < len(c.options) for k, c in zip(indices, space.choices, strict=True))


@each_of_both
@given(data=st.data())
def test_every_assignment_of_options_is_an_architecture(space, data):
    indices = [data.draw(st.integers(0, len(choice.options) - 1)) for choice in space.choices]
    architecture = space.from_indices(indices)
    assert space.parse(str(architecture)) == architecture
    pairs = zip(space.indices(architecture), indices, space.active(architecture), strict=True)
    assert all(back == (given if active else 0) for back, given, active in pairs)


@each_space
def test_choices_have_names_of_their_own_and_options_without_repeats(space):
    names = [choice.name for choice in space.choices]
    assert len(set(names)) == len(names)
    assert all(len(set(choice.options)) == len(choice.options) for choice in space.choices)


@each_space
@pytest.mark.parametrize("wrong", [-1, 10**6])
def test_an_index_out_of_range_is_refused_by_the_name_of_its_choice(space, wrong):
    indices = [0] * len(space.choices)
    indices[2] = wrong
    message = rf"got {wrong} for '{re.escape(space.choices[2].name)}'; allowed: .* from 0 to"
    with pytest.raises(InvalidInput, match=message):
        space.from_indices(indices)


@each_space
def test_too_few_indices_are_refused(space):
    with pytest.raises(InvalidInput, match=rf"got 2 numbers; there are {len(space.choices)}"):
        space.from_indices([0, 0])


@each_of_both
@given(seed=seeds)
def test_mutation_gives_another_architecture_of_the_neighbourhood(space, seed):
    before, rng = drawn(space, seed)
    after = space.mutate(before, rng)
    assert after != before
    assert after in set(space.neighbors(before))


@each_of_both
@given(seed=seeds)
def test_neighbours_are_others_valid_without_repeats_and_mutual(space, seed):
    architecture, rng = drawn(space, seed)
    neighbors = list(space.neighbors(architecture))
    assert len(set(neighbors)) == len(neighbors) and architecture not in neighbors
    for other in (neighbors[k] for k in rng.integers(len(neighbors), size=4)):
        assert space.parse(str(other)) == other
        assert architecture in set(space.neighbors(other))


def of_the_space(space, a, b, rng):
    return space.crossover(a, b, rng)


@each_of_both
@pytest.mark.parametrize("cross", [of_the_space, one_point, uniform])
@given(seed=seeds)
def test_a_child_has_every_choice_from_a_parent(space, cross, seed):
    a, rng = drawn(space, seed)
    b = space.sample(rng)
    child = cross(space, a, b, rng)
    mine, yours = (set(decisions(space, parent)) for parent in (a, b))
    assert set(decisions(space, child)) <= mine | yours


def decisions(space, architecture):
    """List (choice, option) of what an architecture really decides."""
    options = zip(space.choices, space.indices(architecture), strict=True)
    active = space.active(architecture)
    return [(c.name, k) for (c, k), on in zip(options, active, strict=True) if on]


@each_space
@given(seed=seeds)
def test_a_child_of_equal_parents_is_their_equal(space, seed):
    a, rng = drawn(space, seed)
    assert {cross(space, a, a, rng) for cross in (of_the_space, one_point, uniform)} == {a}


@each_space
def test_one_point_crossover_takes_a_head_and_a_tail(space):
    rng = np.random.default_rng(0)
    low = space.from_indices([0] * len(space.choices))
    high = space.from_indices([len(choice.options) - 1 for choice in space.choices])
    cuts = set()
    for _ in range(200):
        child = one_point(space, low, high, rng)
        both = zip(space.indices(child), space.choices, space.active(low), strict=True)
        from_high = [i > 0 for i, choice, shared in both if shared and len(choice.options) > 1]
        assert from_high == sorted(from_high)
        cuts.add(sum(from_high))
    assert len(cuts) > 1


@each_space
@given(seed=seeds)
def test_encodings_have_one_length_and_differ_between_neighbours(space, seed):
    architecture, rng = drawn(space, seed)
    code, other = space.encode(architecture), space.encode(space.mutate(architecture, rng))
    assert code.shape == other.shape == space.encode(space.sample(rng)).shape
    assert not np.array_equal(code, other)
    assert set(np.unique(code)) <= {0, 1}


@each_space
@given(seed=seeds)
def test_where_the_code_has_a_number_for_each_option_it_gives_the_choices_back(space, seed):
    architecture, _ = drawn(space, seed)
    ends = np.cumsum([len(choice.options) for choice in space.choices])
    code = space.encode(architecture)
    if len(code) != ends[-1]:
        assert space.name == "darts"  # its code has a number for each edge and operation
        return
    blocks = np.split(code, ends[:-1])
    assert space.from_indices([int(block.argmax()) for block in blocks]) == architecture
    assert [block.sum() for block in blocks] == list(space.active(architecture))


@each_listed
def test_the_size_is_the_number_of_architectures(space):
    everything = list(space)
    assert len(everything) == len(set(everything)) == space.size


@each_listed
def test_all_assignments_of_the_choices_reach_the_whole_space(space):
    if space.size > 4000:
        return  # the choices of those are counted by their product
    reached = {
        space.from_indices(indices)
        for indices in itertools.product(*(range(len(c.options)) for c in space.choices))
    }
    assert reached == set(space)


def probability(space, architecture):
    return getattr(space, "probability", lambda _: 1 / space.size)(architecture)


@each_listed
def test_samples_follow_the_stated_distribution(space):
    """Uniform over the texts; a chain by `probability`, since its depths are uniform."""
    rng, everything = np.random.default_rng(0), list(space)
    counts = dict.fromkeys(everything, 0)
    draws = 5 * max(len(everything), 200)
    for _ in range(draws):
        counts[space.sample(rng)] += 1
    expected = np.array([probability(space, architecture) for architecture in everything])
    assert expected.sum() == pytest.approx(1)
    assert chisquare(list(counts.values()), draws * expected).pvalue > 1e-3


@each_space
def test_mutation_is_uniform_over_the_neighbours_or_over_the_active_choices(space):
    architecture, rng = drawn(space, 7)
    counts = dict.fromkeys(space.neighbors(architecture), 0)
    for _ in range(20 * len(counts)):
        counts[space.mutate(architecture, rng)] += 1
    if space.name == "chain":
        counts = by_changed_choice(space, architecture, counts)
    assert chisquare(list(counts.values())).pvalue > 1e-3


def by_changed_choice(chain_space, chain, counts):
    """Count mutations by the first choice that changed; a new layer changes its depth first."""
    before, found = chain_space.indices(chain), dict.fromkeys(range(len(chain_space.choices)), 0)
    for other, count in counts.items():
        both = zip(before, chain_space.indices(other), strict=True)
        found[next(k for k, (x, y) in enumerate(both) if x != y)] += count
    return {k: found[k] for k, active in enumerate(chain_space.active(chain)) if active}


@each_space
@given(seed=seeds)
def test_a_spoilt_text_is_refused_with_the_token_that_is_wrong(space, seed):
    architecture, rng = drawn(space, seed)
    text = str(architecture)
    words = [match for match in re.finditer(r"\w+", text) if not match[0].isdigit()]
    word = words[rng.integers(len(words))]
    spoilt = f"{text[: word.start()]}no{word[0]}se{text[word.end() :]}"
    with pytest.raises(InvalidInput, match=rf"no{word[0]}se"):
        space.parse(spoilt)
