"""What of the wire's headline a draft leaves out, in many languages; nothing else warns."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.newsroom.missing import READ, missing, names_of
from desk.newsroom.numbers import Number, figures, numbers
from desk.newsroom.words import tokens, words_of

KOREAS = ("Soldiers of North Korea and of South Korea fired on Monday, officials said.",)
DELHI = ("Heavy rain lashed Delhi on Monday; two were dead and flights were diverted.",)
COURT = ("The Supreme Court on Monday said the rain was heavy.",)


def gone(wire: str, draft: str, language: str | None = "en", *text: str) -> list[tuple[str, str]]:
    return [(kind, said) for kind, said in missing(wire, draft, language=language, paragraphs=text)]


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("12, zero, शून्य", [12, 0, 0]),
        ("1,50,000 and 150.000 and 150'000", [150_000, 150_000, 150_000]),
        ("1\u202f500 homes", [1500]),
        ("2024 500", [2024, 500]),
        ("1.5, 1,5, 1,234.56 and 1.234,56", ["1.5", "1.5", "1234.56", "1234.56"]),
        ("0.500", ["0.5"]),
        ("22.11.2026 10:30", [22, 11, 2026, 10, 30]),
        ("2-1, 2024-25, G20", [2, 1, 2024, 25, 20]),
        ("५ लाख, ১২, ௧௦, ٢٥, ۱٫۵", [500_000, 12, 10, 25, "1.5"]),
        ("Twenty-five, one hundred and five", [25, 105]),
        ("two lakh fifty thousand", [250_000]),
        ("Rs 1.5 lakh crore", [1_500_000_000_000]),
        ("a million, two dozen, 5 lakhs, 3 thousand", [1_000_000, 24, 500_000, 3000]),
        ("$5bn, 5 cr", [5_000_000_000, 50_000_000]),
        ("डेढ़ लाख, ढाई करोड़, पाँच सौ", [150_000, 25_000_000, 500]),
        ("5万人, 3億", [50_000, 300_000_000]),
        ("एक लाख, एक व्यक्ति", [100_000]),
        ("No one of the two, one dead", [2, 1]),
        ("lakhs of voters, hundreds dead", []),
        ("सऊदी अरब", []),
        ("पच्चीस की मौत, साढ़े तीन लाख, सवा लाख, पौने दो", [25, 350_000, 125_000, "1.75"]),
        ("साढ़े, तीन", [3]),
        ("இருபத்தைந்து பேர், இருவர்", [25, 2]),
        ("দুশো, সাড়ে ৩ লাখ", [200, 350_000]),
        ("पंचवीस, दोनशे", [25, 200]),
        ("ఇరవై ఐదు మంది, ముగ్గురు", [25, 3]),
        ("પચ્ચીસ, બસો", [25, 200]),
        ("پچیس, چار سو", [25, 400]),
        ("خمسة وعشرون, ثلاثة آلاف", [25, 3000]),
    ],
)
def test_numbers_are_read(said: str, values: list[float | str]) -> None:
    found = [one.values for one in numbers(said, words_of("en")) if not one.loose]
    assert found == [frozenset({Decimal(value)}) for value in values]


@pytest.mark.parametrize(
    ("language", "said", "values"),
    [
        ("fr", "Quatre-vingt-dix-neuf, vingt et un, deux cents, 5 pour cent", [99, 21, 200, 5]),
        ("fr", "Un homme neuf, le premier", []),  # an article, new, and an ordinal
        ("de", "Fünfundzwanzig, zweihundert, hundert, 1,5 Milliarden", [25, 200, 100, 1.5e9]),
        ("es", "Veintiún, doscientos cincuenta, cuarenta y cinco, 5 por ciento", [21, 250, 45, 5]),
        ("pt", "Vinte e um, duzentos, três mil", [21, 200, 3000]),
        ("it", "Quarantacinque, centocinquanta", [45, 150]),
        ("id", "Dua puluh lima orang", [25]),
        ("ru", "Двадцать пять, двадцати пяти", [25, 25]),
        ("ta", "வைகை ஆறு", []),  # a river, or six
        ("bn", "পদত্যাগ নয়", []),  # not, or nine
        ("mr", "एक जण", []),
        ("en", "Twenty, five; seventy\u2011five", [20, 5, 75]),
    ],
)
def test_numbers_are_read_in_the_words_of_a_language(
    language: str, said: str, values: list[float]
) -> None:
    found = [one.values for one in numbers(said, words_of(language)) if not one.loose]
    assert found == [frozenset({Decimal(value)}) for value in values]


def test_what_counts_in_one_language_is_no_number_in_another() -> None:
    assert numbers("Six elf nueve once", words_of("en")) == [Number("Six", frozenset({Decimal(6)}))]
    assert numbers("Six", words_of("de")) == []


@pytest.mark.parametrize(
    ("wire", "draft", "language"),
    [
        ("5 lakh homes", "Half a million? No: 500,000 homes", "en"),
        ("Twenty-five dead, 3 hurt", "25 dead, three hurt", "en"),
        ("Inflation at 5.2 per cent", "Inflation 5.2%", "en"),
        ("Inflation at 5.2%", "5.2 pc inflation", "en"),
        ("$5m deal", "$5 million deal", "en"),
        ("100m race", "100-metre race", "en"),
        ("2nd Test drawn", "Second Test drawn", "en"),
        ("25 की मौत", "२५ की मौत", "hi"),
        ("1.5 लाख घर", "डेढ़ लाख घर", "hi"),
        ("5 फीसदी बढ़ा", "पांच प्रतिशत बढ़ा", "hi"),
        ("25 قتيلا", "٢٥ قتيلا", "ar"),
        ("5万人", "50,000人", "zh"),
        ("5 millions d’euros", "5 000 000 €".replace(" ", "\u202f"), "fr"),
        ("1,5 Milliarden Euro", "1,5 Mrd. Euro", "de"),
        ("First woman to lead BSF", "Woman to lead BSF", "en"),
    ],
)
def test_numbers_that_are_the_same(wire: str, draft: str, language: str) -> None:
    assert [said for kind, said in gone(wire, draft, language) if kind == "number"] == []


@pytest.mark.parametrize(
    ("wire", "draft", "language", "said"),
    [
        ("5 lakh homes", "5 homes", "en", "5 lakh"),
        ("Inflation at 5.2 per cent", "Inflation at 5.2", "en", "5.2 per cent"),
        ("Inflation at 5.2%", "Prices 5.2 points up", "en", "5.2%"),
        ("One killed, 20 hurt", "20 hurt in bus crash", "en", "One"),
        ("12 की मौत", "कई की मौत", "hi", "12"),
        ("दो की मौत", "कई की मौत", "hi", "दो"),
        ("১২ জনের মৃত্যু", "বহু মৃত্যু", "bn", "১২"),
        ("٢٥ قتيلا", "قتلى", "ar", "٢٥"),
        ("5万人", "5人", "zh", "5万人"),
        ("22.11.2026", "2026", "en", "22.11.2026"),
    ],
)
def test_numbers_that_are_gone(wire: str, draft: str, language: str, said: str) -> None:
    assert ("number", said) in gone(wire, draft, language)


@pytest.mark.parametrize(
    ("wire", "draft", "text", "said"),
    [
        ("Modi meets Putin in Samarkand", "Modi in Samarkand", (), ["Putin"]),
        ("PM Modi arrives", "Modi arrives", (), []),
        ("Narendra Modi arrives", "Modi’s here", (), []),
        ("South Korea fires", "North Korea fires", KOREAS, ["South Korea"]),
        ("South Korea fires", "Korea tense as South fires", KOREAS, []),
        ("Supreme Court says so", "SC says so", COURT, []),
        ("In Delhi, High Court stays order", "Delhi: HC stays order", (), []),
        ("BJP wins again", "Bharatiya Janata Party wins again", (), []),
        ("Al-Qaeda claims attack", "Qaeda claims attack", ("He is of Al-Qaeda.",), []),
        ("Putin: 'Great work'", "Putin praises work", (), []),
        ("NATO meets", "Alliance meets", (), ["NATO"]),
        ("U.S. hits back", "US hits back", (), []),
        # Capitals that tell nothing: the text does.
        ("Rain Lashes Delhi, Two Dead", "Rain in capital, two dead", DELHI, ["Delhi"]),
        ("RAIN LASHES DELHI", "Rain in capital", DELHI, ["DELHI"]),
        ("Rain Lashes Delhi, Two Dead", "Rain in capital, two dead", (), []),
        ("Heavy rain", "Downpour", COURT, []),
        ("Delhi drowns", "Capital drowns", DELHI, ["Delhi"]),
        ("Москва ждёт Путина", "Столица ждёт", ("Сегодня Москва ждёт.",), ["Москва", "Путина"]),
    ],
)
def test_names(wire: str, draft: str, text: tuple[str, ...], said: list[str]) -> None:
    assert [name for kind, name in gone(wire, draft, "en", *text) if kind == "name"] == said


def test_names_of_nouns_with_capitals_are_not_guessed() -> None:
    assert gone("Der Minister trifft die Kanzlerin", "Treffen", "de") == []


@pytest.mark.parametrize(
    ("wire", "draft", "language", "subjects", "said"),
    [
        ("दिल्ली में भारी बारिश", "राजधानी में बारिश", "hi", ("दिल्ली", "मौसम"), ["दिल्ली"]),
        ("दिल्ली में भारी बारिश", "दिल्ली में बारिश", "hi", ("दिल्ली",), []),
        ("नरेंद्र मोदी पहुंचे", "प्रधानमंत्री पहुंचे", "hi", ("नरेंद्र मोदी",), ["नरेंद्र मोदी"]),
        ("சென்னையில் மழை", "மழை", "ta", ("சென்னையில்",), ["சென்னையில்"]),
        ("北京下雨", "首都下雨", "zh", ("北京",), ["北京"]),
        ("Delhi rain", "Rain", "en", ("rain", "delhi"), []),
    ],
)
def test_names_where_there_are_no_capitals_are_the_agency_s(
    wire: str, draft: str, language: str, subjects: tuple[str, ...], said: list[str]
) -> None:
    found = missing(wire, draft, language=language, subjects=subjects)
    assert [name for kind, name in found if kind == "name"] == said


@pytest.mark.parametrize(
    ("wire", "draft", "language", "said"),
    [
        ("No deaths in fire", "Deaths in fire", "en", "No"),
        ("Don’t panic, says minister", "Panic, says minister", "en", "Don’t"),
        ("Cannot say when, says minister", "Can say when, says minister", None, "Cannot"),
        ("बारिश नहीं होगी", "बारिश होगी", "hi", "नहीं"),
        ("মৃত্যু হয়নি, ভয় নেই", "ভয়", "bn", "নেই"),
        ("மழை இல்லை", "மழை", "ta", "இல்லை"),
        ("کوئی زخمی نہیں", "زخمی", "ur", "نہیں"),
        ("لا قتلى في الحريق", "قتلى في الحريق", "ar", "لا"),
        ("Il n’est pas coupable", "Il est coupable", "fr", "n’est"),
        ("Kein Regen", "Regen", "de", "Kein"),
        ("北京不涨价", "北京涨价", "zh", "不"),
    ],
)
def test_a_negation_that_is_gone(wire: str, draft: str, language: str | None, said: str) -> None:
    assert [found for kind, found in gone(wire, draft, language) if kind == "negation"] == [said]
    assert gone(wire, wire, language) == []


@pytest.mark.parametrize(
    ("wire", "draft", "language"),
    [
        ("No deaths in fire", "Fire kills nobody", "en"),
        ("World No. 1 wins", "The best wins", "en"),
        ("Sin trigger", "Trigger", "en"),  # a word of Spanish that denies there
        ("Sin lluvia", "Nunca llueve", "es"),
    ],
)
def test_a_negation_in_other_words(wire: str, draft: str, language: str) -> None:
    assert [said for kind, said in gone(wire, draft, language) if kind == "negation"] == []


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["No", "Delhi", "डेढ़", "लाख", "नहीं", "5", "5%", "G20", "٢٥", "South", "U.S.", "crore"]
        ),
        st.sampled_from("不.:“-' "),
        st.text(max_size=8),
    ),
    max_size=12,
).map(" ".join)


@given(
    LINES, st.sampled_from(["en", "hi", "ar", "zh", "de", "xx", None]), st.lists(LINES, max_size=2)
)
def test_the_same_headline_lacks_nothing(
    line: str, language: str | None, subjects: list[str]
) -> None:
    """Whatever it is: neither hostile text nor a word that is read in two ways warns by itself."""
    assert missing(line, line, language=language, paragraphs=[line], subjects=subjects) == ()


@given(
    st.lists(st.integers(2, 10**9), min_size=1, max_size=5, unique=True),
    st.data(),
    st.sampled_from(["0123456789", "०१२३४५६७८९", "٠١٢٣٤٥٦٧٨٩", "௦௧௨௩௪௫௬௭௮௯"]),
)
def test_a_number_that_is_dropped_is_always_named(
    given_: list[int], data: st.DataObject, digits: str
) -> None:
    said = [str(n).translate(str.maketrans("0123456789", digits)) for n in given_]
    dropped = data.draw(st.integers(0, len(said) - 1))
    wire = " hurt, ".join(said)
    draft = " hurt, ".join(s for at, s in enumerate(said) if at != dropped)
    assert gone(wire, draft or "hurt") == [("number", said[dropped])]


@given(st.integers(0, 10**10), st.sampled_from([",", ".", "'"]))
def test_thousands_are_read_however_they_are_set(number: int, mark: str) -> None:
    assert figures(f"{number:,}".replace(",", mark).replace("'", ",")) == [Decimal(number)]


@given(st.text())
def test_a_token_stands_where_it_says(text: str) -> None:
    found = tokens(text)
    assert all(
        re.sub("[.]", "", text[p.start : p.end]) in (p.text, p.text.replace(".", "")) for p in found
    )
    assert [p.start for p in found] == sorted({p.start for p in found})


def test_names_of_a_text_never_stand_in_small_letters() -> None:
    found = names_of(("May said it may rain. It was Monday, and May left Delhi.",))
    assert found == {"monday", "delhi"}


def test_text_built_to_take_long_is_read_as_far_as_names_are_looked_for() -> None:
    line = "9" * READ + " 5 lakh No Delhi" * READ
    assert gone(line, "x")[0][0] == "number"
