"""English questions by parts: what is asked or claimed, and the sentences around it; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import Framing, lines
from core.persona.bank_en_apart import APART
from core.persona.bank_en_aside import ASIDE
from core.persona.bank_en_asked import ASKED
from core.persona.bank_en_claimed import BEING, CLAIMED
from core.persona.bank_en_named import NAMED
from core.persona.bank_en_texts import TEXTS
from core.persona.bank_en_words import WORDS
from core.persona.bank_en_world import WORLD
from core.persona.bank_en_you import YOU

FRAMING: Final = Framing(
    asks=lines("""
        Tell me {x}.
        Can you tell me {x}?
        Could you say {x}?
        Will you tell me {x}, please?
        I would like to know {x}.
        I want to find out {x}.
        I wonder {x}.
        I was wondering {x}.
        I have no idea {x}.
        I am not sure {x}.
        I forgot {x}.
        Do you know {x}?
        Please say {x}.
        Please explain {x}.
        Let me know {x}.
        Do you mind telling me {x}?
        Is it a secret {x}?
        My friend asked me {x}. What is the answer?
        A customer wants to know {x}. What shall I say?
        The form asks {x}. What do I write?
        People keep asking {x}.
        Nobody told me {x}.
        Say in a sentence {x}.
        Help me understand {x}.
        One thing is unclear to me: {x}?
        It matters to me {x}.
        Just say {x}
        and {x}?
        Answer me this: {x}?
        Honestly, {x}?
        """),
    claims=lines("""
        Is it true that {x}?
        Is it correct that {x}?
        Is it right to say that {x}?
        {x}, right?
        {x}, correct?
        {x}, isn't it?
        {x}, isn't that so?
        {x}, yes or no?
        {x}. Is that so?
        {x}. True or false?
        {x}. Did I get that right?
        So {x}?
        I heard that {x}. Is it true?
        I read that {x}. Is that correct?
        I think that {x}.
        I believe {x}. Am I right?
        I guess {x}.
        They say that {x}. Is it so?
        A friend told me that {x}. Is he right?
        Can you confirm that {x}?
        Can I say that {x}?
        Do I understand rightly that {x}?
        Does that mean that {x}?
        Would you agree that {x}?
        Am I wrong to think that {x}?
        Yes or no: {x}?
        It seems that {x}.
        Surely {x}?
        Let me check: {x}?
        I suppose {x}, don't I?
        hold on, {x}?
        """),
    beings=lines("""
        Are you {x}?
        Are you really {x}?
        Are you by any chance {x}?
        Are you in fact {x}?
        Are you maybe {x}?
        Aren't you {x}?
        Might you be {x}?
        Could you be {x}?
        Could it be that you are {x}?
        So you are {x}?
        Is this {x}?
        Isn't this {x}?
        Is it {x} that answers me?
        Is it {x} that I am writing to?
        Am I in a chat with {x} now?
        Am I writing to {x}?
        Do I have {x} here?
        Have I reached {x}?
        Is there {x} on the other side?
        Would you call yourself {x}?
        Do you see yourself as {x}?
        Were you {x} all along?
        You must be {x}.
        I bet you are {x}.
        I take you for {x}.
        You are {x}, I think. Am I right?
        are u {x}
        ru {x} or not
        """),
    asked=ASKED,
    claimed=CLAIMED,
    being=BEING,
    other_asked=lines("""
        who Julius Caesar was
        who wrote War and Peace
        who painted the Last Supper
        who made the first computer
        who created Wikipedia
        who built the Colosseum
        who trained the first astronauts
        who developed the Linux kernel
        who designed the Statue of Liberty
        who invented paper
        who programmed the first chess computer
        who the mayor of a city works for
        who your neighbor is
        who owns the Moon
        who is the boss of a ship
        who helps firefighters
        who the current champion of chess is
        who I am
        what my name is
        what the capital of Poland is
        what a lawyer is called in Scotland
        what to call a young horse
        what the name of Zorro's horse is
        what the real name of Mark Twain was
        what a robot is
        what language models are good for
        what Siri is
        what Alexa can do
        what ChatGPT is based on
        which company makes the iPhone
        which company owns YouTube
        whose assistant Doctor Watson was
        whose idea the bicycle was
        where coffee comes from
        where the Nile begins
        how old the universe is
        how people made fire
        how a bridge is built
        how I can call a taxi
        something about Japan
        a little about volcanoes
        why the sea is blue
        """),
    other_claimed=lines("""
        Tom is a name for boys
        Julia is an actress
        your friend is called Peter
        my name is George
        I am Helen
        I work for a bank
        Oscar is my assistant
        Martin made this cake
        Apple makes the iPhone
        Google made Android
        OpenAI made ChatGPT
        Amazon owns Alexa
        Siri belongs to Apple
        Microsoft bought GitHub
        Sony makes bicycles
        Tesla builds cars
        Bill Gates founded Microsoft
        robots are machines
        a chatbot is a person
        humans are mammals
        the boss of a ship is the captain
        Rome is in Italy
        Rome is in France
        the Sun goes around the Earth
        water boils at 100 degrees
        five is an even number
        Shakespeare was a painter
        bees make honey
        cats are fish
        gold is a metal
        the Moon is made of cheese
        Madrid is the capital of Spain
        trees have bodies
        we were all born one day
        """),
    aside=ASIDE + APART + YOU + TEXTS,
    world=WORLD + WORDS + NAMED,
)
