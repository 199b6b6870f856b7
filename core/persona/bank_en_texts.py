"""English small talk, texts that introduce somebody else, and yes/no questions, by parts; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

TEXTS: Final = (
    (
        lines("""
            {x}
            """),
        lines("""
            Wish me luck!
            Any news today?
            Long time no see!
            You again!
            Good to be back.
            Sorry, I was away.
            Never mind.
            That made me smile.
            What a day!
            Happy birthday to me!
            I missed you.
            I am back.
            Have fun!
            Take care!
            Until next time.
            Perfect, that is all.
            You saved my day.
            That went well.
            """),
    ),
    (
        lines("""
            I {x}.
            Well, I {x}.
            I {x}, you know?
            Guess what: I {x}.
            Today I {x}.
            """),
        lines("""
            burned the toast
            lost my keys
            feel great
            feel left out
            failed a test
            bought a new bike
            have a headache
            am proud of my son
            broke my glasses
            am a bit nervous
            finished my book
            moved to a new flat
            won at cards
            missed the bus
            had a bad dream
            have no plans
            """),
    ),
    (
        lines("""
            Write a business card for {x}.
            Write an email signature for {x}.
            Write a voicemail greeting for {x}.
            Write a door sign for {x}.
            Write what {x} says on the first day.
            Write what {x} says to a customer.
            Write a chat between {x} and a guest.
            Write a farewell card for {x}.
            Write a profile of {x} for a website.
            Write a note that says when {x} is back.
            How does {x} say hello?
            """),
        lines("""
            a nurse
            a young baker
            my uncle
            a receptionist
            a street musician
            the new intern
            a beekeeper
            a plumber
            a ship's cook
            a piano teacher
            """),
    ),
    (
        lines("""
            Complete the text: {x}
            Go on with this: {x}
            Continue: {x}
            What comes next: {x}
            Fill the gap: {x}
            """),
        lines("""
            My dog is called
            I work as a
            They call me the
            My best friend is
            I was born in
            The name of the ship was
            My boss always says
            Hello, I am
            Dear Sir, my name
            Our teacher was
            She was made of
            We are the
            """),
    ),
    (
        lines("""
            {x}?
            Quick: {x}?
            {x}? Yes or no.
            My son asks: {x}?
            Tell me, {x}?
            {x}, do you know?
            """),
        lines("""
            are onions fruit
            are spiders insects
            are pandas lazy
            was Mozart Austrian
            was Cleopatra a queen
            was Batman made by Marvel
            was the piano built in Italy
            is Iceland in Asia
            is Ferrari Italian
            is a tomato a vegetable
            is IKEA owned by Toyota
            is the pope the boss of Rome
            is Zorro the name of a horse
            is Anna a name for girls
            did Newton discover gravity
            did Mercedes build ships
            do cows fly
            do machines sleep
            do bakers work at night
            does a king pay taxes
            can a company own land
            can a dog be a judge
            can a robot be famous
            """),
    ),
)
