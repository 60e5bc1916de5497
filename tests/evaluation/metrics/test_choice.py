import pytest

from headrace.evaluation.metrics import choice

OPTIONS = ("red", "red car", "a cat", "Unable to answer")


@pytest.mark.parametrize("response", ["B", "b", " (B) ", "B.", "B:", '"B"', "**B**", "[B]\n"])
def test_strict_takes_one_letter(response):
    assert choice.strict(response, 4) == 1
    assert choice.lenient(response, OPTIONS) == 1


@pytest.mark.parametrize("response", ["", "E", "The answer is B", "B the car", "AB", "1", "A, B"])
def test_strict_takes_nothing_else(response):
    assert choice.strict(response, 4) is None


@pytest.mark.parametrize(
    ("response", "index"),
    [
        ("The answer is B", 1),
        ("Answer: (C), because", 2),
        ("the correct option is D.", 3),
        ("B) something", 1),
        ("C: the animal", 2),
        ("It is a cat.", 2),
        ("A CAT", 2),
        ("red", 0),
        ("the red car", 1),
        ("I think B", 1),
        ("unable to answer", 3),
    ],
)
def test_lenient_finds_the_option_named(response, index):
    assert choice.lenient(response, OPTIONS) == index


@pytest.mark.parametrize(
    "response",
    ["", "A cat or the red car", "B or C", "The answer is B. No, the answer is C", "I do not know", "A dog", "E"],
)
def test_lenient_takes_none_where_several_or_none_are_named(response):
    assert choice.lenient(response, OPTIONS) is None


def test_the_published_substring_is_won_by_listing_all_letters():
    assert all(choice.substring("A B C D", letter) for letter in choice.letters(4))
    assert choice.substring("I cannot answer", "I")
    assert not choice.substring("b", "B")
    assert choice.substring(["B"], "B")
    assert not choice.substring(["B."], "B")


def test_the_rules_are_pinned():
    assert choice.PARSER == "choice-1"
