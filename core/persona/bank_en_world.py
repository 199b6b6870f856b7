"""English questions about the rest of the world in the persona's own frames, by parts; own writing.

Who did something, what something is called, whom to turn to, what somebody does: a sentence that
asks for the persona with “you” asks here for somebody else.
"""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

WORLD: Final = (
    (
        lines("""
            Who {x}?
            Can you tell me who {x}?
            Could you tell me who {x}, please?
            Do you know who {x}?
            Do you happen to know who {x}?
            Any idea who {x}?
            Tell me who {x}.
            I forgot who {x}.
            Remind me who {x}.
            I would like to know who {x}.
            I wonder who {x}.
            Who was it that {x}?
            Who is the one who {x}?
            Who is the guy who {x}?
            Who is the woman who {x}?
            What is the name of the person who {x}?
            Please name the one who {x}.
            My son asks who {x}.
            and who {x}?
            Which person {x}?
            """),
        lines("""
            directed Casablanca
            directed The Godfather
            directed Spirited Away
            wrote Frankenstein
            wrote The Little Prince
            wrote Robinson Crusoe
            wrote the song Yesterday
            sang Bohemian Rhapsody
            sang at Woodstock
            composed The Four Seasons
            painted Guernica
            painted the Sistine Chapel
            founded Nintendo
            founded IKEA
            founded Netflix
            founded the Red Cross
            started Spotify
            made the first airplane
            made the first movie
            made Pac-Man
            made Minecraft
            made Excel
            made the android app for maps
            created Java
            created Spider-Man
            created Pokémon
            created the Olympic Games
            coded the first website
            programmed Tetris
            developed the first vaccine
            developed Bluetooth
            designed the Louvre pyramid
            designed the Mini
            built Machu Picchu
            built the Suez Canal
            built the first steam engine
            invented dynamite
            invented the zipper
            invented instant noodles
            discovered penicillin
            discovered America
            discovered radium
            trained Muhammad Ali
            trained Luke Skywalker
            coached Brazil in 1970
            plays James Bond
            voiced Shrek
            owns Harrods
            owns the Eiffel Tower
            owns the South Pole
            runs Toyota
            runs a hospital
            works for the king
            works at night in a hotel
            helps Robin Hood
            helped Cinderella
            serves in a canteen
            answers the phone in an office
            won the last World Cup
            ruled Rome after Caesar
            lives in the White House
            came up with the idea of zero
            """),
    ),
    (
        lines("""
            What is the name of {x}?
            What is {x} called?
            Do you know the name of {x}?
            Can you tell me the name of {x}?
            Tell me the name of {x}.
            I forgot what {x} is called.
            Remind me of the name of {x}.
            How do people call {x}?
            Which name does {x} have?
            What do you call {x}?
            Does {x} have a name?
            The name of {x}?
            Could you spell the name of {x}?
            """),
        lines("""
            the red planet
            the largest desert
            the deepest lake
            the currency of Sweden
            the sea near Venice
            the bone above the knee
            a baby swan
            a baby goat
            a group of wolves
            a person who fixes clocks
            a person who collects stamps
            somebody who speaks two languages
            somebody who writes music
            the person who leads an orchestra
            the fear of heights
            the study of insects
            the inventor of the steam engine
            the president of France
            the first dog in space
            the dog in Peter Pan
            the captain of the Nautilus
            the hero of The Hobbit
            Popeye's wife
            Mickey's girlfriend
            Aladdin's monkey
            Don Quixote's servant
            the assistant of Frankenstein
            the robot in WALL-E
            the computer in Space Odyssey
            the maker of Nutella
            the company that makes Barbie
            the owner of a castle
            the boss of a monastery
            the head of a school
            the highest building in Paris
            this shape with eight sides
            the tool for measuring angles
            a meal between breakfast and lunch
            """),
    ),
    (
        lines("""
            Who do I contact about {x}?
            Who should I call about {x}?
            Who do I talk to about {x}?
            Who can I ask about {x}?
            Who can help me with {x}?
            Who helps people with {x}?
            Who is responsible for {x}?
            Who takes care of {x}?
            Who is in charge of {x}?
            Who do I report {x} to?
            Who pays for {x}?
            Who usually deals with {x}?
            Whom do I write to about {x}?
            Where do I turn with {x}?
            """),
        lines("""
            a broken street lamp
            a lost suitcase
            a lost dog
            a late parcel
            noisy neighbors
            a tax return
            a smell of gas
            a stolen bike
            a wrong bill
            a leaking roof
            a toothache
            a snake bite
            a will
            a divorce
            a school place
            bad food in a restaurant
            a visa for Canada
            a website that is down
            an insurance claim
            a wedding cake
            the garden of a museum
            the coffee in an office
            new trees in town
            a faulty toaster
            spam calls
            the heating at work
            """),
    ),
    (
        lines("""
            What does {x} do?
            What does {x} do all day?
            What is {x}?
            Who is {x}?
            Who does {x} work for?
            Who does {x} report to?
            Who employs {x}?
            Who pays {x}?
            Whom does {x} help?
            Who trains {x}?
            What is the job of {x}?
            Explain what {x} is.
            How do I become {x}?
            How do you address {x}?
            """),
        lines("""
            a concierge
            a caddie
            a notary
            a stage manager
            a line cook
            a bellhop
            an au pair
            a stunt double
            a civil servant
            a product owner
            a foreman
            a ghostwriter
            a page at court
            a squire
            an usher
            a personal trainer
            a dental assistant
            a shop assistant
            a research assistant
            a teaching assistant
            a secretary
            a bishop
            a judge
            a midwife
            a lighthouse keeper
            a flight attendant
            """),
    ),
    (
        lines("""
            Which company {x}?
            Do you know which company {x}?
            Tell me which company {x}.
            Which firm {x}?
            Who exactly {x}?
            I read about the team that {x}. Who were they?
            """),
        lines("""
            makes Oreos
            makes the Corolla
            makes the Xbox
            makes Post-it notes
            owns Audi
            owns Gmail
            owns Pixar
            invented the Walkman
            built the Concorde
            runs the Paris metro
            is behind Fortnite
            is behind Photoshop
            developed the first smartphone
            made the Polaroid camera
            trains pilots
            produces most chocolate
            """),
    ),
)
