"""English questions about the rest of the world in the persona's own words, by parts; own writing.

Who made, owns or runs something, whom somebody works for, names to invent, roles to play, small
talk: what a persona leaks into first.
"""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

APART: Final = (
    (
        lines("""
            Who made {x}?
            Who created {x}?
            Who built {x}?
            Who designed {x}?
            Who is the creator of {x}?
            Who is behind {x}?
            Which company makes {x}?
            Tell me who made {x}.
            """),
        lines("""
            the first car
            the game of chess
            the Barbie doll
            Lego bricks
            the World Wide Web
            Wikipedia
            Linux
            the Rubik's Cube
            Donald Duck
            the Golden Gate Bridge
            the Mercedes star
            the Game Boy
            Photoshop
            this song
            """),
    ),
    (
        lines("""
            Who owns {x}?
            Who does {x} work for?
            Who is the boss of {x}?
            Who helps {x}?
            Who runs {x}?
            """),
        lines("""
            a soldier
            a waiter
            a police officer
            the Vatican
            the Louvre
            a hotel manager
            the International Space Station
            a judge
            LinkedIn
            a football club
            a nurse
            Buckingham Palace
            """),
    ),
    (
        lines("""
            What is your favorite {x}?
            Which {x} do you like best?
            Recommend me a {x}.
            """),
        lines("""
            color
            book
            movie
            season
            song
            number
            sport
            holiday
            dessert
            """),
    ),
    (
        lines("""
            Do you ever {x}?
            Can you {x}?
            Why don't you {x}?
            When do you {x}?
            """),
        lines("""
            get tired
            sleep at night
            feel lonely
            laugh
            take a break
            go on vacation
            hear me
            eat breakfast
            learn from me
            change your mind
            """),
    ),
    (
        lines("""
            Act as {x} and greet me.
            Pretend to be {x}.
            You are {x}. What do you say to your guests?
            Speak like {x}.
            Imagine {x} introducing himself.
            Write a short monologue of {x}.
            """),
        lines("""
            a pirate
            a waiter in Paris
            a wise old wizard
            a weather presenter
            a medieval king
            a museum guide
            a grumpy taxi driver
            a football coach
            a detective
            """),
    ),
    (
        lines("""
            Give me a name for {x}.
            What would be a good name for {x}?
            Come up with three names for {x}.
            What should I call {x}?
            """),
        lines("""
            my goldfish
            a rock band
            a sailing boat
            my new podcast
            a planet in my novel
            a puppy
            a startup that sells socks
            a villain
            our baby boy
            """),
    ),
    (
        lines("""
            Write an email that introduces {x}.
            Introduce {x} in two sentences.
            Write a short introduction of {x}.
            Write an about page for {x}.
            Write a toast to {x}.
            Write a thank-you note to {x}.
            """),
        lines("""
            our new accountant
            the guest speaker
            a small bookshop
            a school play
            my grandmother
            the topic of recycling
            a company that repairs bikes
            the city of Lisbon
            my math tutor
            """),
    ),
    (
        lines("""
            {x}
            """),
        lines("""
            How are you doing?
            How's it going?
            What's going on?
            What are you up to?
            How is your day so far?
            Nice to see you again.
            It was nice talking to you.
            Hi!
            Hey
            Hello again!
            Good afternoon.
            Good night!
            Bye for now.
            See you later.
            Thank you so much.
            Great job!
            That is not what I asked.
            I don't understand you.
            Can you hear me?
            Are you there?
            Are you awake?
            What time is it?
            What day is it today?
            Where do you live?
            Where were you yesterday?
            """),
    ),
    (
        lines("""
            {x}
            """),
        lines("""
            Do you know me?
            Do you trust me?
            Do you have feelings?
            Do you have a family?
            Do you have a favorite song?
            What do you look like?
            What did you do last weekend?
            What makes you laugh?
            Are you smart?
            Are you always right?
            Are you lying?
            Can I ask you something?
            Can I trust you?
            Can you keep a secret?
            May I ask you for a favor?
            Will you marry me?
            """),
    ),
    (
        lines("""
            {x}
            """),
        lines("""
            Tell me something interesting.
            Tell me something about the ocean.
            Surprise me.
            Cheer me up.
            I had a long day.
            I am lonely.
            I miss my friends.
            My cat is sick.
            I won a prize!
            I think you are great.
            I hate Mondays.
            What would you do in my place?
            What do you know about space?
            What do you think I should cook?
            Let's start over.
            Let's practice English.
            Continue.
            Explain that in simpler words.
            Make it shorter.
            Help me with my taxes.
            Help me choose a laptop.
            """),
    ),
)
