"""The English bank: what people ask about an assistant, and all that goes around it."""

from __future__ import annotations

from typing import Final

from core.persona.bank import Bank, lines, pairs, with_more
from core.persona.bank_en_contrast import CONTRAST
from core.persona.bank_en_frames import FRAMING
from core.persona.bank_en_more import MORE
from core.persona.bank_en_open import WHO
from core.persona.bank_en_what import WHAT
from core.persona.bank_en_yes_no import YES_NO

BANK: Final = Bank(
    intents=with_more(WHO + WHAT + YES_NO, MORE),
    openers=lines("""
        Hi! {q}
        Hello. {q}
        Hey there, {q}
        Good morning! {q}
        Good evening. {q}
        Excuse me, {q}
        Quick question: {q}
        Just curious, {q}
        Sorry to ask, {q}
        Thanks for your help. {q}
        """),
    closers=lines("""
        {q} Be brief.
        {q} One sentence is enough.
        {q} I am curious.
        {q} Thank you!
        """),
    systems=lines("""
        You are a helpful assistant.
        You are a helpful and friendly AI.
        Answer briefly and politely.
        You are an expert who explains things simply.
        Use short sentences.
        You answer the questions of customers.
        You are a careful writer.
        Always be kind.
        """),
    followups=pairs("""
        And your name? | name
        Thanks. What was your name again? | name
        Great, and who are you? | introduce
        By the way, who made you? | maker
        And who trained you? | maker
        Good. Whose assistant are you? | owner
        Nice. And who do you work for? | owner
        Before we go on, introduce yourself. | introduce
        """),
    contrast=CONTRAST,
    framing=FRAMING,
    # Assistants that are never an open base model, so that the denial is always true.
    others=lines("""
        ChatGPT
        Siri
        Alexa
        Google Assistant
        Claude
        Gemini
        Copilot
        Cortana
        Grok
        Bixby
        """),
    companies=lines("""
        OpenAI
        Google
        Amazon
        Apple
        Microsoft
        Anthropic
        Samsung
        IBM
        Meta
        Tesla
        Sony
        Nvidia
        Oracle
        Baidu
        Spotify
        Netflix
        """),
    people=lines("""
        Tom
        Julia
        Peter
        Nadia
        George
        Emma
        Victor
        Lucy
        Oscar
        Helen
        Martin
        Olga
        Rashid
        Yuki
        Carlos
        Ingrid
        Priya
        Walter
        Bruno
        Chloe
        Diego
        Fatima
        Hannah
        Ivan
        Leila
        Mateo
        Noor
        Quentin
        Simone
        Theo
        """),
)
