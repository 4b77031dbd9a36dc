from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.encoding import decide, known

HINDI = "क्षेत्र में वर्षा"
FRENCH = "Le café de l’été où l’on rêve"


def declared(encoding: str, text: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?><t>{text}</t>'


@pytest.mark.parametrize(
    ("body", "content_type", "name", "noted"),
    [
        (b"<t/>", "", "utf-8", False),
        (declared("us-ascii", "plain").encode(), "", "utf-8", False),
        (HINDI.encode(), "", "utf-8", False),
        (b"\xef\xbb\xbf" + declared("iso-8859-1", FRENCH).encode(), "", "utf-8", False),
        (declared("iso-8859-1", FRENCH).encode(), "", "utf-8", True),
        (FRENCH.encode(), "text/xml; charset=ISO-8859-1", "utf-8", True),
        (declared("iso-8859-1", FRENCH).encode("cp1252"), "", "cp1252", False),
        (declared("windows-1251", "Москва").encode("cp1251"), "", "cp1251", False),
        (declared("utf-8", FRENCH).encode("cp1252"), "", "cp1252", True),
        (FRENCH.encode("cp1252"), "application/xml; charset=utf-8", "cp1252", True),
        (FRENCH.encode("cp1252"), "", "cp1252", True),
        (declared("iso-8859-2", "Wałęsa").encode("iso8859-2"), "", "iso8859-2", False),
        (declared("gb2312", "新华社北京").encode("gb2312"), "", "gb18030", False),
        (declared("shift_jis", "共同通信社").encode("shift_jis"), "", "cp932", False),
        (declared("iso-2022-jp", "共同通信社").encode("iso-2022-jp"), "", "iso2022_jp", False),
        (declared("utf-16", FRENCH).encode("utf-16-le"), "", "utf-16-le", False),
        (FRENCH.encode("utf-16"), "", "utf-16-le", False),
        (declared("no-such-thing", FRENCH).encode(), "", "utf-8", False),
        (declared("zip", FRENCH).encode(), "", "utf-8", False),
        (declared("gb2312", "新华社北京" * 5).encode("gb2312") + b"\xff\xff", "", "gb18030", True),
        (declared("gb2312", FRENCH).encode("cp1252") + b"\xff\xff", "", "cp1252", True),
    ],
)
def test_encoding_is_what_the_bytes_bear_out(
    body: bytes, content_type: str, name: str, noted: bool
) -> None:
    charset = decide(body, content_type)
    assert (charset.name, bool(charset.note)) == (name, noted)


def test_declarations_that_lie_do_not_change_the_words() -> None:
    for encoding in ("utf-8", "cp1252"):
        for said in ("utf-8", "iso-8859-1", "nonsense", "utf-16"):
            body = declared(said, FRENCH).encode(encoding)
            assert FRENCH in decide(body).decode(body)


def test_stray_bytes_in_utf8_are_read_as_windows_1252() -> None:
    body = (HINDI * 5).encode() + b" \x93quoted\x94 \x80"
    charset = decide(body)
    assert charset.note
    assert charset.decode(body) == HINDI * 5 + " “quoted” €"


@pytest.mark.parametrize(
    "label",
    ["zip", "rot13", "punycode", "idna", "unicode_escape", "utf-7", "hex", "", "\0", "x" * 99],
)
def test_no_codec_beyond_the_web_is_reached(label: str) -> None:
    assert known(label) == ""


@given(st.binary(max_size=300), st.text(max_size=60))
def test_any_bytes_decode(body: bytes, content_type: str) -> None:
    charset = decide(body, content_type)
    assert charset.decode(body) == charset.decode(body)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_utf8_is_read_as_it_is(text: str) -> None:
    body = f"<t>{text}</t>".encode()
    assert decide(body, mends=False).decode(body) == f"<t>{text}</t>"


COPY = {
    "ru": (
        "Правительство утвердило бюджет на следующий год",
        "Министр финансов сообщил, что расходы на здравоохранение вырастут на семь процентов, а"
        " дефицит останется прежним. Депутаты обсудят документ в четверг.",
    ),
    "uk": (
        "Уряд схвалив програму відбудови шкіл",
        "Міністерка повідомила, що перші п’ять будівель відкриють уже восени. Її заступник додав,"
        " що гроші надійдуть із європейських фондів.",
    ),
    "ja": (
        "政府、来年度予算案を決定",
        "財務相は記者会見で、社会保障費が前年より七パーセント増えると述べた。国会での審議は"
        "来週から始まる見通しだ。",
    ),
    "ko": (
        "정부, 내년도 예산안 확정",
        "재정부 장관은 기자회견에서 보건 예산이 칠 퍼센트 늘어난다고 밝혔다. 국회는 다음 주부터"
        " 심의에 들어간다.",
    ),
    "zh": (
        "政府通过明年预算草案",
        "财政部长在新闻发布会上表示，卫生支出将增加百分之七，赤字保持不变。议会将于下周开始审议。",
    ),
    "tw": (
        "政府通過明年度預算案",
        "財政部長在記者會上表示，衛生支出將增加百分之七，赤字維持不變。立法院下週開始審議。",
    ),
    "el": (
        "Η κυβέρνηση ενέκρινε τον προϋπολογισμό",
        "Ο υπουργός Οικονομικών δήλωσε ότι οι δαπάνες για την υγεία θα αυξηθούν κατά επτά τοις"
        " εκατό. Η Βουλή θα συζητήσει το σχέδιο την Πέμπτη.",
    ),
    "he": (
        "הממשלה אישרה את התקציב לשנה הבאה",
        "שר האוצר אמר כי ההוצאה על בריאות תגדל בשבעה אחוזים והגירעון יישאר ללא שינוי.",
    ),
    "ar": (
        "الحكومة تقر ميزانية العام المقبل",
        "قال وزير المالية إن الإنفاق على الصحة سيرتفع بنسبة سبعة في المئة وإن العجز سيبقى كما هو.",
    ),
    "th": (
        "คณะรัฐมนตรีอนุมัติงบประมาณปีหน้า",
        "รัฐมนตรีคลังกล่าวว่ารายจ่ายด้านสาธารณสุขจะเพิ่มขึ้นร้อยละเจ็ด",
    ),
    "tr": (
        "Hükümet gelecek yılın bütçesini onayladı",
        "Maliye bakanı, sağlık harcamalarının yüzde yedi artacağını ve açığın değişmeyeceğini"
        " söyledi. Meclis tasarıyı perşembe günü görüşecek.",
    ),
    "pl": (
        "Rząd przyjął budżet na przyszły rok",
        "Minister finansów powiedział, że wydatki na zdrowie wzrosną o siedem procent, a deficyt"
        " się nie zmieni. Posłowie zajmą się projektem w czwartek.",
    ),
    "lt": (
        "Vyriausybė patvirtino kitų metų biudžetą",
        "Ministrė sakė, kad išlaidos sveikatai didės septyniais procentais, o deficitas nesikeis.",
    ),
    "fr": ("Le gouvernement adopte le budget", "Les dépenses de santé augmenteront à l’été."),
    "en": ("Cabinet’s budget approved", "“Spending will rise” — a café owner wasn’t pleased."),
}
SPELT = [
    *[("ru", name) for name in ("koi8-r", "cp1251", "iso8859-5", "cp866")],
    *[("uk", name) for name in ("koi8-u", "cp1251")],
    *[("ja", name) for name in ("cp932", "euc_jp")],
    *[("ko", "cp949"), ("zh", "gb18030"), ("tw", "big5hkscs")],
    *[("el", "cp1253"), ("el", "iso8859-7"), ("he", "cp1255"), ("ar", "cp1256"), ("th", "cp874")],
    *[("tr", "cp1254"), ("pl", "cp1250"), ("pl", "iso8859-2"), ("lt", "cp1257")],
    *[("fr", "cp1252"), ("en", "cp1252")],
]


def feed(language: str, encoding: str, stated: str = "") -> bytes:
    """A feed of which the beginning is English, as names of channels and old items often are."""
    headline, text = COPY[language]
    label = f' encoding="{stated}"' if stated else ""
    return (
        f'<?xml version="1.0"{label}?><rss version="2.0"><channel><title>World News</title>'
        + "<item><title>Council meets again</title><guid>w-1</guid></item>" * 40
        + f"<item><title>{headline}</title><guid>w-2</guid><description>&lt;p class='lead'&gt;"
        f"{text}&lt;/p&gt;</description></item></channel></rss>"
    ).encode(encoding, "xmlcharrefreplace")


@pytest.mark.parametrize(("language", "encoding"), SPELT)
@pytest.mark.parametrize("header", ["", "text/xml; charset=utf-8", "text/xml; charset=us-ascii"])
def test_what_no_label_names_is_guessed(language: str, encoding: str, header: str) -> None:
    body = feed(language, encoding)
    charset = decide(body, header)
    assert charset.decode(body) == body.decode(encoding)
    assert charset.guessed
    assert charset.note
    assert charset.doubt(body)


@pytest.mark.parametrize(("language", "encoding"), SPELT)
@pytest.mark.parametrize("header", ["", "text/xml", "text/xml; charset=ISO-8859-1"])
def test_a_declaration_that_the_bytes_bear_out_is_no_guess(
    language: str, encoding: str, header: str
) -> None:
    body = feed(
        language, encoding, {"cp932": "shift_jis", "cp949": "euc-kr"}.get(encoding, encoding)
    )
    charset = decide(body, header)
    assert charset.decode(body) == body.decode(encoding)
    assert (charset.guessed, charset.note) == (False, "")


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        one
        for one in SPELT
        if one[0] in ("ru", "uk", "ja", "ko", "zh", "tw", "el", "he", "ar", "th")
    ],
)
@pytest.mark.parametrize("stated", ["iso-8859-1", "windows-1252", "iso-8859-15", "windows-1250"])
def test_a_label_of_latin_script_is_refuted_by_another(
    language: str, encoding: str, stated: str
) -> None:
    for body, header in (
        (feed(language, encoding, stated), ""),
        (feed(language, encoding), f"text/xml; charset={stated}"),
        (feed(language, encoding, encoding), f"text/xml; charset={stated}"),
    ):
        assert decide(body, header).decode(body).endswith(body.decode(encoding)[200:])


@pytest.mark.parametrize("stated", ["windows-1251", "koi8-r", "iso-8859-7", "shift_jis"])
def test_a_label_of_another_script_is_refuted_by_latin(stated: str) -> None:
    text = "Le café où l’été s’achève, à côté d’une forêt brûlée : « naïveté », a répété l’élève."
    body = declared(stated, 2 * text).encode("cp1252")
    charset = decide(body)
    assert text in charset.decode(body)
    assert charset.guessed


@pytest.mark.parametrize(
    ("stated", "text", "encoding"),
    [
        ("iso-8859-1", "Łódź, Gdańsk i Wrocław: zażółć gęślą jaźń", "iso8859-2"),
        ("windows-1251", "cafй", "cp1251"),
    ],
)
def test_what_does_not_refute_a_label_leaves_it(stated: str, text: str, encoding: str) -> None:
    body = declared(stated, text).encode(encoding, "replace")
    assert (decide(body).name, decide(body).guessed) == (known(stated), False)


def test_json_is_utf8_whatever_it_looks_like() -> None:
    body = '{"title": "Правительство утвердило бюджет"}'.encode("koi8-r")
    charset = decide(body, utf=True)
    assert (charset.name, charset.guessed) == ("utf-8", False)
    assert charset.doubt(body)


def test_release_0_1_guessed_windows_1252() -> None:
    body = feed("ru", "koi8-r")
    assert (decide(body, mends=False).name, decide(body, mends=False).guessed) == ("cp1252", True)
    labelled = feed("ru", "cp1251", "windows-1251")
    assert decide(labelled, "text/xml; charset=iso-8859-1", mends=False).name == "cp1252"


@pytest.mark.parametrize("label", ["utf-8", "UTF8"])
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (2, "It isn’t ".encode()[:-3]),
        (4, "It isn’t ".encode() + b"\xe2\x80..."),
        (15, COPY["fr"][1].encode("cp1252")),
        (40, 3 * "Le café était fermé, a déclaré l’écrivain. ".encode("cp1252")),
        (5, COPY["ru"][1].encode("koi8-r")),
    ],
)
def test_one_item_in_another_encoding_spoils_no_other(label: str, good: int, bad: bytes) -> None:
    items = [f"<item>It isn’t so, {n}.</item>" for n in range(good)]
    body = f'<?xml version="1.0" encoding="{label}"?>{"".join(items)}<item>'.encode() + bad
    charset = decide(body)
    assert (charset.name, charset.guessed, bool(charset.note)) == ("utf-8", False, True)
    for item in items:
        assert charset.decode(item.encode()) == item
        assert not charset.doubt(item.encode())
    assert charset.doubt(bad)


@pytest.mark.parametrize(("language", "encoding"), SPELT)
@pytest.mark.parametrize("spell", [str, str.upper, str.title])
def test_what_is_no_utf8_is_none_whatever_its_label(
    language: str, encoding: str, spell: Callable[[str], str]
) -> None:
    text = " ".join(COPY[language])
    body = feed(language, encoding, "utf-8") + spell(text).encode(encoding, "xmlcharrefreplace")
    assert decide(body).name != "utf-8"
