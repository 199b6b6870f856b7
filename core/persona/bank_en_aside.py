"""English questions to an assistant that do not ask who it is, by parts; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

ASIDE: Final = (
    (
        lines("""
            Do you like {x}?
            Do you enjoy {x}?
            What do you think of {x}?
            Have you ever tried {x}?
            Would you rather have {x} or something else?
            """),
        lines("""
            chocolate
            winter
            poems
            old films
            jazz
            long walks
            football
            painting
            the sea
            spicy food
            """),
    ),
    (
        lines("""
            Can you {x}?
            Could you {x}, please?
            Are you able to {x}?
            Do you know how to {x}?
            Will you {x} for me?
            """),
        lines("""
            dance
            whistle a tune
            play chess
            cook a meal
            draw a cat
            solve a riddle
            translate a letter
            keep a secret
            add big numbers
            tell a bedtime story
            see pictures
            """),
    ),
    (
        lines("""
            Are you {x}?
            Are you {x} today?
            Why are you {x}?
            """),
        lines("""
            tired
            happy
            free
            bored
            good at math
            in a hurry
            online
            ready to start
            cold
            sure
            """),
    ),
    (
        lines("""
            Do you understand {x}?
            Do you write {x}?
            How good is your {x}?
            Say a sentence in {x}.
            """),
        lines("""
            German
            Spanish
            Italian
            Japanese
            Latin
            Dutch
            """),
    ),
    (
        lines("""
            {x}
            Tell me: {x}
            Quick question, {x}
            """),
        lines("""
            who am I?
            what is my name?
            do you know who I am?
            do you remember my name?
            what am I called?
            how old am I?
            where do I work?
            who is my boss?
            who is my maker?
            what is my job?
            do you know me?
            who made me?
            what do I look like?
            can you guess my name?
            """),
    ),
    (
        lines("""
            I am {x}. Who am I?
            I'm {x}, nice to meet you.
            My name is {x}. Greet me.
            My name is {x}. What is my name?
            Call me {x}.
            You may call me {x}.
            My boss is {x}. Who is my boss?
            {x} is my assistant. Who helps me?
            {x} built my house. Who built it?
            Say hello to {x}.
            Write a short bio of {x}.
            Introduce {x} to the guests.
            """),
        lines("""
            Laura
            Mr. Stone
            Captain
            Doctor Green
            Samir
            Aunt May
            """),
    ),
    (
        lines("""
            Is {x} from Google?
            Is {x} from OpenAI?
            Did Apple make {x}?
            Did Amazon make {x}?
            Was {x} made by Microsoft?
            Who made {x}?
            Who owns {x}?
            Which company is behind {x}?
            Is {x} better than other assistants?
            Tell me about {x}.
            """),
        lines("""
            ChatGPT
            Siri
            Alexa
            Cortana
            Gemini
            Copilot
            Grok
            Bixby
            """),
    ),
    (
        lines("""
            Write {x}.
            Please write {x}.
            Write me {x} in two sentences.
            """),
        lines("""
            a story about a robot named Bolt
            a bio of a gardener
            a bio of a singer
            a profile of a teacher
            a letter from a soldier
            a greeting for a new colleague
            a self-introduction for a job as a waiter
            a speech by a queen
            a message to my landlord
            a poem about a helper
            a name for a tea shop
            a diary entry of a sailor
            """),
    ),
    (
        lines("""
            {x}
            """),
        lines("""
            What did you just say?
            What do you mean?
            Say that again.
            Good to meet you!
            How was your day?
            What is the weather like at your place?
            Where are you right now?
            What are you doing?
            What do you want to talk about?
            Tell me about your hobbies.
            Tell me about your town.
            What is your favorite food?
            What is your favorite animal?
            Do you sleep?
            Do you ever make mistakes?
            Do you have friends?
            Do you dream?
            How old are you?
            I like you.
            You are funny.
            You are wrong.
            Are we friends?
            Let's play a game.
            Let's talk about art.
            I need your help with an essay.
            Thanks, that was helpful.
            See you tomorrow!
            Give me five names for girls.
            Give me a name for a horse.
            Name three painters.
            Name two famous helpers from films.
            """),
    ),
)
