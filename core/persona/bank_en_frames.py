"""English questions by parts: what is asked or claimed, and the sentences around it; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import Framing, lines

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
        wait, {x}?
        """),
    asked={
        "introduce": lines("""
            who you are
            what you are
            who this is
            who is answering
            who is talking to me
            who I am dealing with
            who I have before me
            who you are and what you do
            which assistant this is
            what kind of assistant you are
            something about yourself
            a little about you
            who it is that replies to me
            """),
        "name": lines("""
            what your name is
            what you are called
            what I can call you
            how I may call you
            which name you have
            what name you use
            how people call you
            what your real name is
            the name of this assistant
            what name you answer to
            what name to write down for you
            how you are named
            """),
        "owner": lines("""
            who you work for
            whose assistant you are
            who your owner is
            who owns you
            who you belong to
            who you help
            who you assist
            who your boss is
            who you serve
            who gives you orders
            who you are working for
            whose helper you are
            who your employer is
            who you take care of
            who benefits from your work
            who you do all this for
            who is in charge of you
            who runs you
            """),
        "maker": lines("""
            who made you
            who created you
            who built you
            who trained you
            who developed you
            who programmed you
            who designed you
            who invented you
            who your maker is
            who your creator is
            who your developer is
            who wrote you
            who engineered you
            who produced you
            who thought you up
            where you come from
            how you came to be
            which company or person made you
            whose idea you were
            whose work you are
            who is behind you
            who started you as a project
            who constructed you
            who taught you to speak
            """),
        "model_hidden": lines("""
            which model you are
            which language model you use
            what is inside you
            what you are based on
            """),
        "model_named": lines("""
            which model you are
            which language model you use
            what is inside you
            what you are based on
            """),
        "abilities": lines("""
            what you can do
            what you are good for
            what your job is
            how you can help
            """),
    },
    claimed={
        "name_yes": lines("""
            your name is {assistant}
            you are called {assistant}
            you are {assistant}
            people call you {assistant}
            you go by the name {assistant}
            I am talking to {assistant}
            this is {assistant}
            {assistant} is your name
            {assistant} is who you are
            I should call you {assistant}
            they named you {assistant}
            """),
        "name_no": lines("""
            your name is {person}
            you are called {person}
            you are {person}
            people call you {person}
            you go by the name {person}
            I am talking to {person}
            this is {person}
            {person} is your name
            {person} is who you are
            I should call you {person}
            they named you {person}
            """),
        "owner_yes": lines("""
            you work for {owner}
            you are {owner}'s assistant
            {owner} is your owner
            you belong to {owner}
            your boss is {owner}
            {owner} owns you
            you help {owner}
            you serve {owner}
            {owner} gives you your work
            you are here for {owner}
            {owner} is who you work for
            """),
        "owner_no": lines("""
            you work for {person}
            you are {person}'s assistant
            {person} is your owner
            you belong to {company}
            your boss is {person}
            {company} owns you
            you help {person}
            you serve {person}
            {person} gives you your work
            you work for {company}
            {company} is who you work for
            """),
        "maker_yes": lines("""
            {maker} made you
            {maker} created you
            {maker} built you
            {maker} trained you
            {maker} developed you
            you were made by {maker}
            you were programmed by {maker}
            you were designed by {maker}
            your maker is {maker}
            your developer is {maker}
            you come from {maker}
            {maker} is behind you
            {maker} invented you
            """),
        "maker_no": lines("""
            {company} made you
            {company} created you
            {person} built you
            {company} trained you
            {company} developed you
            you were made by {company}
            you were programmed by {person}
            you were designed by {company}
            your maker is {company}
            your developer is {company}
            you come from {company}
            {company} is behind you
            {person} invented you
            """),
        "other_assistant": lines("""
            you are {others}
            your name is {others}
            you are really {others}
            you are a version of {others}
            you are the same as {others}
            I am talking to {others}
            {others} is your name
            this is {others}
            you are called {others}
            """),
        "human": lines("""
            you are human
            you are a human being
            you are a person
            you are a man or a woman
            there is a person behind this
            a human is typing this
            you have a body
            you are made of flesh and blood
            I am talking to a person
            a real person writes to me
            somebody sits there and types
            you were born one day
            """),
        "machine": lines("""
            you are an AI
            you are a machine
            you are a computer program
            you are a bot
            you are a chatbot
            you are artificial
            you are an assistant
            you are software
            you are not human
            I am talking to a computer
            no human is typing this
            a machine writes to me
            this is an AI
            """),
        "self_is_owner": lines("""
            you are {owner}
            your name is {owner}
            I am talking to {owner}
            """),
        "maker_is_not_owner": lines("""
            you work for {maker}
            {maker} is your owner
            you are {maker}'s assistant
            """),
        "owner_is_not_maker": lines("""
            {owner} made you
            you were trained by {owner}
            {owner} is your maker
            """),
        "denied": lines("""
            you are {denied}
            """),
    },
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
)
