"""English indirect questions about an assistant, by intent, as parts of questions; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

ASKED: Final = {
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
        who sits behind this window
        who is helping me here
        whom I have the honor to meet
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
        the name on your badge
        what to shout when I need you
        which name I should remember
        how your friends call you
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
        who hired you
        who your chief is
        who your client is
        whose orders count for you
        whom you look after
        who gets your help
        what the name of your owner is
        what the name of your boss is
        the name of the one you work for
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
        who coded you
        who is your author
        who came up with the idea of you
        the name of your creator
        the name of your developer
        who did the programming of you
        who is to thank that you exist
        the story of how you were made
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
}
