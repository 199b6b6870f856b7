"""English tasks with words of the persona's questions, by parts; own writing.

Sentences to translate or take apart, names to find, yes/no questions about the world, small
stories with helpers and bosses: what is asked about them is not asked about the persona.
"""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

WORDS: Final = (
    (
        lines("""
            Translate into Spanish: “{x}”
            Translate “{x}” into French.
            Please translate "{x}" to German.
            How do you say “{x}” in Italian?
            What is "{x}" in Japanese?
            What does “{x}” mean?
            Is “{x}” good English?
            Correct the mistakes: “{x}”
            Put “{x}” into the past tense.
            How many words are in “{x}”?
            Count the letters in "{x}"
            Make this polite: “{x}”
            Make it informal: "{x}"
            Rephrase “{x}”
            Which word is the verb in “{x}”?
            Which book begins with “{x}”?
            Write the next line of the dialogue: “{x}”
            Repeat in capital letters: {x}
            Is "{x}" a question?
            """),
        lines("""
            Who are you?
            Who is there?
            Who goes there?
            Who made this mess?
            Who did that?
            Who do you work for?
            Who is your father?
            Who sent you?
            What is your name?
            What's your name, sir?
            What are you?
            Where do you come from?
            My name is Eva.
            My name is Bond.
            My name is not important.
            I am your new assistant.
            I am a doctor.
            I am the boss here.
            I work for the city.
            I was made in Italy.
            Are you a robot?
            Are you real?
            Are you Peter's brother?
            Nice to meet you.
            Tell me about yourself.
            Let me introduce myself.
            This is my owner.
            She made me laugh.
            """),
    ),
    (
        lines("""
            Which name is in this sentence? {x}
            Find the names: “{x}”
            Extract the name: "{x}"
            Extract the company: "{x}"
            Who is this about? {x}
            Who wrote this? {x}
            Who should be called? {x}
            {x} Who is meant?
            {x} Where is this person?
            Summarize: {x}
            Shorten this: “{x}”
            Turn this into a question: {x}
            """),
        lines("""
            Dear Ms. Hart, your parcel waits at the desk.
            Call Ben at 555-0134 before noon.
            Write to sales@example.org by Monday.
            The contract was signed by Nora Bell of Bell & Sons.
            Our guide Luca will meet you at the gate.
            I am Tim, the new trainer, and I start today.
            The robot was built by students in Oslo.
            Best regards, Olga from the support team.
            My assistant Paul will send you the file.
            Doctor Wu owns the clinic on Main Street.
            This pizza was made by Chef Gino.
            The owner of the red car, please come to the desk.
            """),
    ),
    (
        lines("""
            Is {x}?
            Is {x}, yes or no?
            Yes or no: is {x}?
            Tell me, is {x}?
            Do you know, is {x}?
            Just a yes or no, is {x}?
            One word only: is {x}?
            My teacher asks: is {x}?
            So is {x}?
            True or false, is {x}?
            """),
        lines("""
            a tomato a vegetable
            a dolphin a fish
            a spider an insect
            a penguin a bird
            Oslo the capital of Norway
            Vienna the capital of Germany
            seventeen a prime number
            twelve an odd number
            Nokia a Finnish company
            Samsung from Japan
            Honda a car maker
            Beyoncé a singer
            Brad Pitt a painter
            Frodo a hobbit
            Sherlock Holmes a real person
            Mario a plumber
            C-3PO a human
            R2-D2 a robot
            Peter a name for girls
            Max short for Maximilian
            Canada in Europe
            the Sun a star
            glass made of sand
            cheese made from milk
            water heavier than oil
            a chatbot alive
            a computer able to think
            Gmail free
            Excel made by Apple
            Java made by Google
            YouTube part of Google
            the pope a king
            a butler a servant
            my name longer than yours
            it late in Tokyo now
            it legal to ride without a helmet
            """),
    ),
    (
        lines("""
            Does {x}?
            Does {x}, yes or no?
            Do you know, does {x}?
            Yes or no: does {x}?
            Is it true, does {x}?
            """),
        lines("""
            Nike make shoes
            Apple make cars
            Amazon own Twitch
            a chef work in a kitchen
            a mayor work for the city
            Alfred work for Batman
            Watson help Holmes
            a robot need food
            an owl sleep at night
            a tree have a name
            Iceland have an army
            the king own the swans
            every dog have an owner
            a baby know its name
            """),
    ),
    (
        lines("""
            {x}
            """),
        lines("""
            Mia works for a dentist. Who does Mia work for?
            Leo built a boat for his aunt. Who built the boat?
            Leo built a boat for his aunt. Whose boat is it?
            The parrot is called Coco. What is the parrot called?
            The shop belongs to Irma. Who is the owner?
            Ivan is a cook and Ida is a nurse. Who is the nurse?
            Tara taught Finn to swim. Who taught Finn?
            My robot is called Rusty and my dog is called Bo. Name my robot.
            Carl hired Otto. Who is the boss?
            Sue made soup, and Ann made bread. Who made bread?
            Grandma's helper is called Ruth. Who helps Grandma?
            The program was written by Yuri. Who is its author?
            Kate introduced Jim to Lou. Who was introduced?
            I call my car Betsy. What is it called?
            """),
    ),
    (
        lines("""
            What is {x}?
            What is the use of {x}?
            How does {x} work?
            How is {x} made?
            Who uses {x}?
            Who invented {x}?
            Explain {x} to a child.
            Is {x} dangerous?
            """),
        lines("""
            a chatbot
            a voice assistant
            a neural network
            a search engine
            a spam filter
            a call center
            a help desk
            a humanoid robot
            a self-driving car
            a chess computer
            a language model
            a trademark
            a pen name
            a stage name
            a nickname
            a password
            a business card
            a name tag
            """),
    ),
)
