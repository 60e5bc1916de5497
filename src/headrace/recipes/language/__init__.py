"""language: how recipes that keep a language model's past are measured.

`stream` gives recorded texts and `facts` plants facts in them; `follow` reads them under many policies at once;
`control` gives the loss of a model that is always in length; `places` sorts losses by position.
"""
