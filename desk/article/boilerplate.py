"""Signs that a part of a page is boilerplate, and no part of a story.

They are evidence, not proof: a page's author names its parts. So what is set aside by them is
bounded and always shown, and the agency's copy is never set aside.
"""

import re

_TAGS = {
    tag: why
    for why, tags in {
        "advertisement": "amp-ad amp-auto-ads amp-embed amp-sticky-ad",
        "aside": "aside",
        "button": "button",
        "caption": "caption figcaption figure",
        "dialog": "dialog",
        "footer": "footer",
        "form": "datalist form search select textarea",
        "navigation": "amp-sidebar menu nav",
        "notice": "amp-consent amp-user-notification",
        "share buttons": "amp-social-share",
    }.items()
    for tag in tags.split()
}
_NAMES = {
    "advertisement": (
        r"ads?|adv|advt|ad(?:box|slot|unit|wrap|holder|container|space)s?|adsbygoogle|advert\w*|dfp"
        r"|gpt|sponsor\w*|promo\w*|taboola|outbrain|mgid|banner|commercial"
    ),
    "related": (
        r"related\w*|also-?read|read-?also|read-?more|readmore|alsoread|more-?(?:stories|news|on)"
        r"|recommend\w*|recirc\w*|trending|most-?(?:read|popular|viewed)|must-?read|suggested"
        r"|you-may|up-?next|next-?(?:story|article)|latest|teasers?|in-?article-?link"
    ),
    "share buttons": (
        r"shar(?:e|es|ing|ebar|etools)|social\w*|follow\w*|whatsapp|telegram|addthis|sharethis"
        r"|google-?news|bookmark\w*|print|toolbar|font-?size"
    ),
    "newsletter": (
        r"newsletter\w*|subscri\w*|sign-?up|paywall|membership|(?:get|download|install)-?app"
        r"|app-?(?:download|promo|install|banner)|notification\w*|donat\w*|support-us"
    ),
    "caption": (
        r"\w*caption\w*|(?:photo|image|img|picture)-?(?:credit|source|text|desc\w*)|credits?"
        r"|gallery|slide-?show|carousel"
    ),
    "byline": (
        r"by-?lines?|authors?|author-?\w+|reporter|journalist|posted-?\w*|updated-?\w*"
        r"|publish(?:ed|date|time)?-?(?:on|at|date|time|info)?|time-?stamp|date-?time|datetime|date"
        r"|time|read-?time|reading-?time|meta|meta-?info"
    ),
    "summary": r"synopsis|summary|highlights?|key-?points|excerpt|sub-?(?:head\w*|title)|standfirst"
    r"|deck|strap-?line|kicker|pull-?quote\w*",
    "tags": r"tags?|tag-?\w+|topics?|key-?words?|categor(?:y|ies)|labels?",
    "navigation": (
        r"nav\w*|menu|bread-?crumbs?|pagination|pager|toc|table-of-contents|skip-?\w*|banner-nav"
        r"|complementary|contentinfo"
    ),
    "comments": r"comments?|comment-?\w+|disqus\w*|discussion|replies",
    "embed": (
        r"embed\w*|twitter-\w+|tweet\w*|instagram-\w+|fb-\w+|youtube\w*|video\w*|player\w*|jwplayer"
        r"|podcast|audio\w*|listen\w*|poll|quiz|live-?score"
    ),
    "notice": r"cookie\w*|consent|gdpr|copyright|legal",
}
_PART = re.compile(r"[^0-9a-z]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EVIDENCE = re.compile(
    "|".join(f"(?P<n{n}>(?:^|-)(?:{pattern})(?=-|$))" for n, pattern in enumerate(_NAMES.values()))
)
_KINDS = tuple(_NAMES)
_LONGEST = 300

_ALSO_READ = re.compile(
    r"(?:also|must|don't miss|read|watch|see|click|explained|related|more)\b[^.!?]{0,30}?"
    r"[:|>»–—-]|(?:also|must) (?:read|watch|see)\b|read (?:more|also|here|full)\b|watch\b"
    r"|click here"
    r"|ये भी|यह भी|इसे भी|और पढ़ें|यहां पढ़ें|पढ़ें|مزید پڑھیں|یہ بھی پڑھیں|یہ بھی دیکھیں|مزید"
    r"|மேலும் படிக்க|ఇది కూడా|আরও পড়ুন",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"(?:(?:also|must) (?:read|watch|see)|read (?:more|also)|related(?: stor(?:y|ies))?"
    r"|don't miss|ये भी पढ़ें|यह भी पढ़ें|इसे भी पढ़ें|یہ بھی پڑھیں)\s*[:|>»–—-]",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"[\W_]*(?:ads?|advertisements?|advertising|sponsored|promoted|story continues below(?: this"
    r" ad(?:vertisement)?)?|article continues below|scroll to continue|continue reading"
    r"|listen to (?:this )?(?:story|article)|also read|read more|related stories|loading\.*"
    r"|follow us|विज्ञापन|اشتہار|விளம்பரம்|বিজ্ঞাপন|\d+ ?/ ?\d+)[\W_]*",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"[\W_]*(?:(?:read|show|see|view|load|expand)(?: (?:the|this))?(?: (?:more|full|whole|rest|all"
    r"|complete|entire))+(?: (?:of|the|this|story|article|news|report))*"
    r"|(?:continue|keep)(?: reading)(?: (?:the|this|story|article))*|expand|more|read on"
    r"|(?:click|tap)(?: here)? (?:to|for) (?:read |see )?more"
    r"|और पढ़ें|आगे पढ़ें|पूरा पढ़ें|पूरी (?:खबर|ख़बर) पढ़ें|مزید پڑھیں|مکمل پڑھیں|மேலும் படிக்க|ఇంకా చదవండి"
    r"|আরও পড়ুন|വായിക്കുക|વધુ વાંચો|अधिक वाचा)[\W_]*",
    re.IGNORECASE,
)
_CONTROLS = re.compile(
    r"(?=.*\b(?:share|likes?|tweet|facebook|whatsapp|e-?mail|print|save|copy|comments?|next|previous"
    r"|images?|photos?|slide|gallery|close|expand|enlarge|play|\d+ of \d+)\b)(?:[\W\d_]*\b(?:share"
    r"|likes?|tweet|facebook|twitter|x|whatsapp|telegram|linkedin|e-?mail|print|save|copy|link|this"
    r"|comments?|on|in|of|to|via|story|article|next|previous|images?|photos?|slide|gallery|view|see"
    r"|all|open|close|expand|enlarge|play|pause|caption|hide|show)\b)*[\W\d_]*",
    re.IGNORECASE,
)
_HOUSE_LINE = re.compile(
    r"[\W_]*(?:our (?:standards|ethics|code|editorial)\b.*|(?:please )?(?:sign up|subscribe|join"
    r"|follow|download|get)\b[^,.!?\"“”]*\b(?:newsletters?|inbox|channel|app|alerts?|notifications?"
    r"|whatsapp|telegram|google news)\b[^,.!?\"“”]*[.!?]?"
    r"|(?:©|\(c\)|copyright)[\s©()c]*(?:19|20)\d\d\b[^!?]*|all rights reserved\.?"
    r"|(?:tags?|topics?|key-?words?|filed under|categor(?:y|ies))\s*:[^.!?]*)",
    re.IGNORECASE,
)
_DATED = re.compile(r"(?=.*\b(?:19|20)\d\d\b)(?=.*\b\d{1,2}\b).*[^.!?।۔]")
_PUT_UP = re.compile(
    r"(?:(?:by|(?:report|edit|writ|compil|curat|post|author)(?:ed|ten|ing|ting)(?: and (?:writing"
    r"|editing|reporting))? by|source|agency"
    r"|updated|published|posted|last (?:updated|modified)|first published|created)\b"
    r"(?:[^.!?]|\.(?=\S)){0,100}|[^.!?]{0,60}\b\d{1,2}:\d{2}\b[^.!?]{0,30}"
    r"|\d+ min(?:ute)?s? read)",
    re.IGNORECASE,
)


def evidence(tag: str, label: str) -> str:
    """What kind of boilerplate an element seems to be, ``"related"``, ``"caption"`` …; or ``""``.

    *label* is what its author calls it: class, id and role, parted by spaces.
    """
    if why := _TAGS.get(tag):
        return why
    for name in _HUMP.sub("-", label[:_LONGEST]).lower().split():
        if found := _EVIDENCE.search(_PART.sub("-", name).strip("-")):
            return _KINDS[int((found.lastgroup or "n0")[1:])]
    return ""


def alone(text: str) -> bool:
    """Whether *text*, a whole block, is a label, as they stand between paragraphs."""
    return len(text) <= 60 and bool(_ALONE.fullmatch(text) or _CONTROLS.fullmatch(text))


def house_line(text: str) -> bool:
    """Whether *text* is a paper's own line of one sentence: its standards, or its newsletter."""
    return len(text.split()) <= 20 and _HOUSE_LINE.fullmatch(text) is not None


def opens(text: str) -> bool:
    """Whether *text*, a whole block, offers to open the rest of a story: "Read more"."""
    return len(text) <= 60 and _OPENS.fullmatch(text) is not None


def points_elsewhere(text: str, *, strictly: bool = False) -> bool:
    """Whether *text* opens as links to other pages do: "Also read: …", "यह भी पढ़ें". *strictly*:
    with two words that mean nothing else, and a mark."""
    pattern = _POINTER if strictly else _ALSO_READ
    return pattern.match(text.lstrip("[(*•|>»►- ")) is not None


def puts_up(text: str) -> bool:
    """Whether *text*, a short line, says by whom or when a page was put up."""
    found = _PUT_UP.fullmatch(text.rstrip(".| ")) or _DATED.fullmatch(text)
    return len(text.split()) <= 16 and found is not None
