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
        ("The answer is b.", 1),
        ("the answer is (a)", 0),
        ("it must be (a).", 0),
        ("The answer is A because it is bright", 0),
        ("The answer is A, I believe", 0),
        ("The best option: a red car", 1),
        ("Not A but B", 1),
        ("Option A is wrong. The answer is C.", 2),
        ("B. It is not the cat.", 1),
        ("No, the answer is C", 2),
    ],
)
def test_lenient_finds_the_option_named(response, index):
    assert choice.lenient(response, OPTIONS) == index


@pytest.mark.parametrize(
    "response",
    [
        "",
        "A cat or the red car",
        "B or C",
        "I think A or B",
        "A, B, C and D",
        "The answer is B. No, the answer is C",
        "I do not know",
        "A dog",
        "E",
        "The answer is a dog.",
        "Answer: A dog is there",
        "The answer is an animal",
        "option b or so",
        "It is not A. The answer cannot be option A",
        "It isn't B",
        "It is not a cat",
        "B) is not right",
        "the answer is neither B nor C",
    ],
)
def test_lenient_takes_none_where_several_or_none_are_named(response):
    assert choice.lenient(response, OPTIONS) is None


def test_an_option_that_denies_is_named_by_its_own_words():
    assert choice.lenient("I see that the man does not move.", ("The man runs", "The man does not move")) == 1
    assert choice.lenient("It cannot be told.", ("red", "It cannot be told")) == 1


def test_the_published_substring_is_won_by_listing_all_letters():
    assert all(choice.substring("A B C D", letter) for letter in choice.letters(4))
    assert choice.substring("I cannot answer", "I")
    assert not choice.substring("b", "B")
    assert choice.substring(["B"], "B")
    assert not choice.substring(["B."], "B")


def test_the_rules_are_pinned():
    assert choice.PARSER == "choice-2"
