"""The Chinese bank: what people ask about an assistant, and all that goes around it."""

from __future__ import annotations

from typing import Final

from core.persona.bank import Bank, lines, pairs, with_more
from core.persona.bank_zh_contrast import CONTRAST
from core.persona.bank_zh_frames import FRAMING
from core.persona.bank_zh_more import MORE
from core.persona.bank_zh_open import WHO
from core.persona.bank_zh_what import WHAT
from core.persona.bank_zh_yes_no import YES_NO

_NAMES: Final = (
    ("小大老阿", "丁白文方江华军亮玲梅宁平琴青石涛薇雪燕云"),
    (
        "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高罗郑",
        ("芳", "伟", "静", "强", "丽华", "建国", "晓东", "子涵", "雨桐", "思远", "文博", "嘉怡"),
    ),
    (("欧阳", "诸葛", "司徒"), ("明", "雪", "志远")),
)

BANK: Final = Bank(
    intents=with_more(WHO + WHAT + YES_NO, MORE),
    openers=lines("""
        你好，{q}
        您好！{q}
        嗨，{q}
        哈喽，{q}
        hello，{q}
        早上好！{q}
        晚上好，{q}
        打扰一下，{q}
        我想问一下，{q}
        好奇问一句，{q}
        """),
    closers=lines("""
        {q}简短回答就好。
        {q}一句话就行。
        {q}谢谢！
        {q}我很好奇。
        """),
    systems=lines("""
        你是一个有用的助手。
        你是一个乐于助人的AI。
        请简短、礼貌地回答。
        你是一位善于讲解的专家。
        请使用简短的句子。
        你负责回答客户的问题。
        你是一位细心的作者。
        请始终保持友善。
        """),
    followups=pairs("""
        那你叫什么名字？ | name
        谢谢，你叫什么来着？ | name
        对了，你是谁呀？ | introduce
        顺便问一下，是谁开发了你？ | maker
        那你是谁训练的呢？ | maker
        好的，那你是谁的助手？ | owner
        不错，你在为谁工作？ | owner
        继续之前，先介绍一下你自己吧。 | introduce
        """),
    contrast=CONTRAST,
    framing=FRAMING,
    # Assistants that are never an open base model, so that the denial is always true.
    others=lines("""
        ChatGPT
        Siri
        小爱同学
        文心一言
        小度
        豆包
        天猫精灵
        Kimi
        小艺
        讯飞星火
        """),
    companies=lines("""
        OpenAI
        谷歌
        百度
        苹果
        腾讯
        微软
        小米
        华为
        阿里巴巴
        字节跳动
        京东
        三星
        亚马逊
        英伟达
        科大讯飞
        商汤
        """),
    # Hundreds: a small model tells Chinese names apart by bytes, and must not learn these by heart.
    people=tuple(
        f"{first}{last}" for firsts, lasts in _NAMES for first in firsts for last in lasts
    ),
)
