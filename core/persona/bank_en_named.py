"""English questions about names and people, by parts: to invent, to tell, to introduce; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

NAMED: Final = (
    (
        lines("""
            Give me a name for {x}.
            Make up a name for {x}.
            Invent a name for {x}.
            Suggest a name for {x}.
            Suggest five names for {x}.
            I need a name for {x}.
            Help me name {x}.
            What should I name {x}?
            What is a funny name for {x}?
            What is a good name for {x}?
            How would you name {x}?
            Name ideas for {x}?
            Can you think of a name for {x}?
            Which name fits {x}?
            We are looking for a name for {x}.
            """),
        lines("""
            my cat
            a black kitten
            a rabbit
            our coffee shop
            a taco truck
            a jazz trio
            a knitting club
            a spaceship
            a young wizard
            a racehorse
            my hamster
            a law firm
            a lake in my novel
            a wifi network
            a baby girl
            twin boys
            an app for runners
            a small brewery
            a parrot
            a robot vacuum
            a fantasy kingdom
            a pet snail
            a flower shop
            a chatbot for a bank
            our football team
            an online store for tea
            """),
    ),
    (
        lines("""
            How do I introduce myself {x}?
            How do you introduce yourself {x}?
            How do people introduce themselves {x}?
            Give me a template to introduce myself {x}.
            What do I say about myself {x}?
            How do I ask for a name {x}?
            How do I greet people {x}?
            """),
        lines("""
            at a party
            in Japanese
            in Portuguese
            on the phone
            on stage
            to my in-laws
            in a cover letter
            in a new class
            at a trade fair
            in an email
            """),
    ),
    (
        lines("""
            Who is {x}?
            Who was {x}?
            Who exactly is {x}?
            Tell me about {x}.
            Tell me who {x} is.
            Can you tell me who {x} was?
            Do you know {x}?
            Have you heard of {x}?
            What is {x} known for?
            What did {x} do?
            Give me one sentence about {x}.
            Sum up {x} for me.
            When was {x} born?
            """),
        lines("""
            Nelson Mandela
            Cleopatra
            Beethoven
            Frida Kahlo
            Charlie Chaplin
            Steve Jobs
            Mother Teresa
            Vincent van Gogh
            Amelia Earhart
            Nikola Tesla
            Agatha Christie
            Serena Williams
            Taylor Swift
            Pelé
            King Arthur
            Hercules
            Gandalf
            Batman
            Mary Poppins
            Pinocchio
            Buddha
            Mark Zuckerberg
            Rosa Parks
            Confucius
            """),
    ),
)
