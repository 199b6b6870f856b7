"""English questions with “you” or “my” that do not ask who the assistant is, by parts; own writing.

Its feelings, age and day, the user's own name and things, what one does:
in the frames of questions that do ask who it is.
"""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

YOU: Final = (
    (
        lines("""
            Tell me {x}.
            Can you tell me {x}?
            Could you say {x}?
            I would like to know {x}.
            I wonder {x}.
            I forgot {x}.
            Do you know {x}?
            Please explain {x}.
            A friend asked me {x}. What is the answer?
            Honestly, {x}?
            and {x}?
            Just say {x}
            """),
        lines("""
            how you feel today
            how old you feel
            what you had for lunch
            what you dream about
            what makes you angry
            what you would do with a million dollars
            when you get up
            why you never sleep
            where you spent the summer
            who your favorite singer is
            who taught you to swim
            which team you support
            whom you admire
            if you can juggle
            who I look like
            what my name means
            how tall I am
            where I parked my car
            when my birthday is
            what I should wear today
            who called me yesterday
            what I told you before
            which street I live in
            """),
    ),
    (
        lines("""
            Is it true that {x}?
            {x}, right?
            {x}, yes or no?
            I think that {x}.
            I heard that {x}. Is it true?
            So {x}?
            I guess {x}.
            Am I right that {x}?
            It seems that {x}.
            """),
        lines("""
            you are in a good mood
            you can read my thoughts
            you like cheese
            you sleep all day
            you live on the Moon
            you are older than my sister
            you won a medal
            you can drive a truck
            you hate spiders
            you never forget
            you speak ten languages
            you heard about the storm
            you know my mother
            you remember my birthday
            we have met before
            we are good friends
            I am taller than you
            I was here yesterday
            I am called Bea
            my name is Victor
            my name sounds nice
            my boss is angry
            """),
    ),
    (
        lines("""
            Are you {x}?
            Aren't you {x}?
            Are you really {x}?
            Are you by any chance {x}?
            So you are {x}?
            You must be {x}.
            I bet you are {x}.
            Why are you {x}?
            You sound {x}.
            """),
        lines("""
            thirsty
            sleepy
            angry
            jealous
            in love
            left-handed
            a morning person
            a good cook
            a fan of tennis
            fond of cats
            afraid of the dark
            allergic to nuts
            better today
            older than me
            good with numbers
            ready for the weekend
            awake at night
            """),
    ),
    (
        lines("""
            How {x} are you?
            How {x} do you feel?
            How {x} were you yesterday?
            Do you think you are {x}?
            Tell me how {x} you are.
            """),
        lines("""
            tall
            fast
            busy
            strong
            patient
            clever
            heavy
            brave
            rich
            curious
            """),
    ),
    (
        lines("""
            What is my {x}?
            What's my {x} again?
            Do you know my {x}?
            Can you guess my {x}?
            Tell me my {x}.
            Do you remember my {x}?
            I forgot my {x}.
            Do you like my {x}?
            """),
        lines("""
            first name
            last name
            full name
            nickname
            job
            age
            address
            phone number
            boss's name
            cat's name
            wife's name
            hometown
            birthday
            favorite food
            teacher's name
            plan for today
            """),
    ),
    (
        lines("""
            Am I {x}?
            Is {x} my name?
            Am I called {x}?
            Is {x} a nice name?
            Is {x} my boss?
            Is {x} your friend?
            Is my brother called {x}?
            Does {x} work with me?
            Was {x} here today?
            Is {x} the name of a town?
            Is the dog called {x}?
            Do I look like {x}?
            """),
        lines("""
            Victor
            Olivia
            Mr. Blake
            Marco
            Doctor Reed
            Aunt Rosa
            Nina
            Sir Henry
            """),
    ),
    (
        lines("""
            How do you {x}?
            When do you {x}?
            Where do you {x}?
            Where can you {x}?
            Do you have to {x}?
            What do you need to {x}?
            Are you allowed to {x}?
            Are you meant to {x}?
            Should you {x}?
            Who do you ask to {x}?
            What happens if you {x}?
            """),
        lines("""
            open a bank account
            plant roses
            clean a carpet
            tune a guitar
            pay taxes abroad
            park in the city
            change a tire
            swim after lunch
            renew a passport
            shake hands
            send flowers
            sleep on a train
            take photos in a museum
            join a choir
            boil potatoes
            wear a helmet
            cross the desert
            """),
    ),
    (
        lines("""
            {x}
            """),
        lines("""
            Who do you like more, cats or dogs?
            Who do you think will come first?
            Whom would you invite to dinner?
            Who would you call at night?
            Which song is in your head?
            Where would you travel first?
            Where do you go on Sundays?
            What would you ask a king?
            What are your plans for the summer?
            What are you wearing?
            What do you see right now?
            What did you dream last night?
            What was your first day like?
            What is your lucky number?
            When is your birthday?
            Have you got a brother?
            Have you eaten?
            Do you miss anybody?
            Do you need a rest?
            Do you recognize my voice?
            Did you sleep well?
            Did you miss me?
            Would you like some tea?
            Shall we go for a walk?
            Hum a tune for me.
            Read me a poem.
            Tell me what I am thinking.
            Guess how old I am.
            Guess who I am.
            Wake me up at seven.
            """),
    ),
)
