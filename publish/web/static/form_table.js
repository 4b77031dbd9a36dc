// Made of wirecopy/form.json by `python -m tests.tables write`.

export const FORM = {
 "body": {
  "any": "dir lang title",
  "elements": {
   "abbr address article aside b bdi big br caption center cite code dd dfn dir div dl dt em": "",
   "figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i kbd main mark menu nav p": "",
   "picture pre rb rt rtc ruby s samp section small span strike strong sub sup table tbody": "",
   "tfoot thead tr tt u ul var wbr": "",
   "a": "href hreflang rel",
   "audio": "controls src",
   "blockquote q": "cite",
   "col colgroup": "span",
   "del ins": "cite datetime",
   "img": "alt height sizes src srcset width",
   "li": "value",
   "ol": "reversed start type",
   "source": "height media sizes src srcset type width",
   "td": "align colspan headers rowspan",
   "th": "abbr align colspan headers rowspan scope",
   "time": "datetime",
   "track": "kind label src srclang",
   "video": "controls height poster src width"
  },
  "followed": "cite href",
  "loaded": "poster src srcset",
  "holding": {
   "audio": "source track",
   "video": "source track"
  },
  "rows": "caption thead tbody tfoot",
  "nested": [
   [
    "h5 h6 small sub sup",
    3
   ],
   [
    "rt",
    1
   ],
   [
    "big h1 h2 h3",
    3
   ],
   [
    "blockquote dd dir dl figure menu ol ul",
    8
   ]
  ]
 },
 "characters": "[\u0000-\b\u000b\f\u000e-\u001f\u007f-\u009f\u1680\u2028\u2029\ufffe\uffff]",
 "letters": {
  "rtl": "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\ud802\udc00-\ud803\udfff\ud83a\udc00-\ud83b\udfff]",
  "ltr": "[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0370-\u058f\u0900-\u1fff\u2c00-\u2dff\u3040-\ud7ff\uf900-\ufb17\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc]"
 },
 "claims": {
  "headline": [
   "except for the headline, this",
   "except the headline, this",
   "apart from the headline, this",
   "barring the headline, this",
   "other than the headline, this",
   "only the headline has been changed"
  ],
  "unedited": [
   "not been edited",
   "not edited by",
   "published from a syndicated feed",
   "published unedited",
   "published as received",
   "is unedited",
   "unedited and auto-generated",
   "auto-generated from",
   "may have been reworked",
   "may not have modified or edited",
   "without modifications to the text",
   "\u0938\u0902\u092a\u093e\u0926\u093f\u0924 \u0928\u0939\u0940\u0902",
   "\u0938\u092e\u094d\u092a\u093e\u0926\u093f\u0924 \u0928\u0939\u0940\u0902",
   "\u0938\u0902\u092a\u093e\u0926\u0928 \u0928\u0939\u0940\u0902",
   "\u0938\u0902\u092a\u093e\u0926\u093f\u0924 \u0915\u0947\u0932\u0947\u0932\u0940 \u0928\u093e\u0939\u0940",
   "\u0938\u0902\u092a\u093e\u0926\u0928 \u0915\u0947\u0932\u0947\u0932\u0947 \u0928\u093e\u0939\u0940",
   "\u062a\u0631\u0645\u06cc\u0645 \u0646\u06c1\u06cc\u06ba \u06a9\u06cc",
   "\u062a\u0628\u062f\u06cc\u0644\u06cc \u0646\u06c1\u06cc\u06ba \u06a9\u06cc",
   "\u0627\u062f\u0627\u0631\u062a \u0646\u06c1\u06cc\u06ba \u06a9\u06cc",
   "\u09b8\u09ae\u09cd\u09aa\u09be\u09a6\u09a8\u09be \u0995\u09b0\u09c7\u09a8\u09bf",
   "\u09b8\u09ae\u09cd\u09aa\u09be\u09a6\u09a8\u09be \u0995\u09b0\u09be \u09b9\u09af\u09bc\u09a8\u09bf",
   "\u0ba4\u0bbf\u0bb0\u0bc1\u0ba4\u0bcd\u0ba4\u0bb5\u0bbf\u0bb2\u0bcd\u0bb2\u0bc8",
   "\u0ba4\u0bbf\u0bb0\u0bc1\u0ba4\u0bcd\u0ba4\u0baa\u0bcd\u0baa\u0b9f\u0bb5\u0bbf\u0bb2\u0bcd\u0bb2\u0bc8",
   "\u0c38\u0c35\u0c30\u0c3f\u0c02\u0c1a\u0c32\u0c47\u0c26\u0c41",
   "\u0c38\u0c35\u0c30\u0c3f\u0c02\u0c1a\u0c2c\u0c21\u0c32\u0c47\u0c26\u0c41"
  ]
 }
};
