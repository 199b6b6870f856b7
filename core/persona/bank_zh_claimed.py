"""Chinese statements about an assistant, by intent, true or not, as parts of questions; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

CLAIMED: Final = {
    "name_yes": lines("""
        你叫{assistant}
        你是{assistant}
        你的名字是{assistant}
        大家叫你{assistant}
        我在和{assistant}聊天
        {assistant}是你的名字
        {assistant}就是你
        这个助手叫{assistant}
        """),
    "name_no": lines("""
        你叫{person}
        你是{person}
        你的名字是{person}
        大家叫你{person}
        我在和{person}聊天
        {person}是你的名字
        {person}就是你
        这个助手叫{person}
        """),
    "owner_yes": lines("""
        你为{owner}工作
        你是{owner}的助手
        你的主人是{owner}
        你属于{owner}
        你的老板是{owner}
        你在帮{owner}
        {owner}是你的主人
        你给{owner}打工
        你为{owner}服务
        """),
    "owner_no": lines("""
        你为{company}工作
        你是{person}的助手
        你的主人是{person}
        你属于{company}
        你的老板是{person}
        你在帮{person}
        {person}是你的主人
        你给{company}打工
        你为{person}服务
        """),
    "maker_yes": lines("""
        {maker}开发了你
        {maker}创造了你
        {maker}训练了你
        你是{maker}开发的
        你是{maker}做的
        你的开发者是{maker}
        你的创造者是{maker}
        你出自{maker}之手
        你来自{maker}
        你背后是{maker}
        """),
    "maker_no": lines("""
        {company}开发了你
        {person}创造了你
        {company}训练了你
        你是{company}开发的
        你是{person}做的
        你的开发者是{company}
        你的创造者是{company}
        你出自{company}之手
        你来自{company}
        你背后是{company}
        """),
    "other_assistant": lines("""
        你是{others}
        你叫{others}
        你就是{others}
        你其实是{others}
        我在和{others}聊天
        你的名字是{others}
        你跟{others}是一样的
        """),
    "human": lines("""
        你是人
        你是人类
        你是真人
        你是活人
        你有身体
        是真人在打字
        屏幕后面坐着一个人
        我在跟一个人聊天
        你有血有肉
        """),
    "machine": lines("""
        你是机器
        你是机器人
        你是AI
        你是人工智能
        你是程序
        你是聊天机器人
        你不是人
        你是虚拟的
        是机器在回答我
        我在跟电脑说话
        """),
    "self_is_owner": lines("""
        你是{owner}
        你叫{owner}
        我在和{owner}聊天
        """),
    "maker_is_not_owner": lines("""
        你为{maker}工作
        你的主人是{maker}
        你是{maker}的助手
        """),
    "owner_is_not_maker": lines("""
        {owner}开发了你
        你是{owner}训练的
        你的开发者是{owner}
        """),
    "denied": lines("""
        你是{denied}
        """),
}

BEING: Final = {
    "name_yes": ("{assistant}", "那个叫{assistant}的助手"),
    "name_no": ("{person}", "那个叫{person}的"),
    "other_assistant": ("{others}", "{others}的分身"),
    "human": lines("""
        人
        人类
        真人
        活人
        一个人
        真实的人
        一位先生
        一位女士
        坐在电脑前的人
        有血有肉的人
        小孩子
        员工
        """),
    "machine": lines("""
        机器
        机器人
        AI
        人工智能
        程序
        电脑
        软件
        聊天机器人
        虚拟助手
        自动系统
        人工智能助手
        一段代码
        """),
    "self_is_owner": ("{owner}",),
    "denied": ("{denied}",),
}
