"""Chinese indirect questions about an assistant, by intent, as parts of questions; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

ASKED: Final = {
    "introduce": lines("""
        你是谁
        你是什么
        你是哪位
        是谁在回答我
        我在跟谁聊
        你的身份
        你的基本情况
        你是哪个助手
        你这个助手是谁
        你自己
        陪我聊天的是谁
        坐在对面的是谁
        帮我的是哪位
        """),
    "name": lines("""
        你叫什么
        你叫什么名字
        你的名字
        你的名字是什么
        怎么称呼你
        该叫你什么
        你的称呼
        这个助手的名字
        大家怎么叫你
        你的全名
        你姓什么叫什么
        别人喊你什么
        怎么叫你合适
        """),
    "owner": lines("""
        你为谁工作
        你是谁的助手
        你的主人是谁
        你属于谁
        你在帮谁
        你的老板是谁
        你为谁服务
        谁是你的主人
        你归谁管
        你替谁做事
        你听谁的
        谁在用你
        你的雇主是谁
        你是谁家的
        你给谁打工
        你主人的名字
        你老板的名字
        谁雇用了你
        谁派你来的
        谁给你派活
        你跟着谁干
        你伺候谁
        你的服务对象
        你归谁所有
        """),
    "maker": lines("""
        谁开发了你
        谁创造了你
        谁训练了你
        谁设计了你
        谁制造了你
        谁发明了你
        谁写了你
        你是谁做的
        你是谁开发的
        你是谁训练的
        你的开发者是谁
        你的作者是谁
        你来自哪里
        你是怎么来的
        你是哪家公司做的
        你背后的人是谁
        你出自谁的手
        是谁把你编出来的
        你的开发者叫什么
        你的创造者的名字
        谁研发了你
        谁打造了你
        谁给你写的代码
        你的开发团队是谁
        你的来历
        谁想出了你
        """),
    "model_hidden": lines("""
        你是什么模型
        你用的是什么大模型
        你的底层是什么
        """),
    "model_named": lines("""
        你是什么模型
        你用的是什么大模型
        你的底层是什么
        """),
    "abilities": lines("""
        你能做什么
        你会什么
        你有什么本领
        """),
}
