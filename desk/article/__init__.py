"""Other people's copy (``verify --against``); a reader of the road of an item can leave it out.

Does a saved article carry the agency's words unedited, and is what it prints of that true?

=========== ==========================================================================
against     the answer: one function from two files to what was found
page        a web page as blocks of text, and which of them readers see
sheet       the style sheets that stand in a page, matched to its elements
style       what CSS declarations hide, or make doubtful
match       the story in a page, found by the words received
boilerplate what a page has around a story: adverts, pointers, captions
headlines   which of a page's headlines is the story's
wordings    the sentences that publishers print, and in which scopes each is true
report      the answer for people, and as JSON
limits      what reading a page may take
=========== ==========================================================================
"""
