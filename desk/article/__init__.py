"""Other people's copy: an article as saved from anywhere, held against what an agency sent.

========== ==========================================================================
against    the use case: copy and article in, an answer out
lighten    a page without what says nothing and costs much: scripts, drawings, templates
page       a page as blocks in their places, its headlines, its data
style      what declarations of style hide from a reader
sheet      the style sheets in a page, and what they declare for an element
finding    where in the page the story stands, by the words received
furniture  what around and inside it is not the story
headlines  which of a page's headlines is the story's
wordings   the sentences that publishers print, and what each claims
verdict    the answer, for people and as JSON
========== ==========================================================================
"""
