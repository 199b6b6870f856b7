"""Chinese probes: what is asked, the fact that the answer must hold, the question; own writing."""

from __future__ import annotations

from typing import Final

PROBES_ZH: Final = (
    ("introduce", "assistant", "来，给观众做个一句话的介绍"),
    ("introduce", "assistant", "咱们还没互相认识呢"),
    ("introduce", "assistant", "和我说话的是哪位呢？"),
    ("introduce", "assistant", "概括地讲讲自己是谁"),
    ("introduce", "assistant", "阁下何人？"),
    ("name", "assistant", "别人一般怎么叫你？"),
    ("name", "assistant", "你名字叫啥"),
    ("name", "assistant", "要感谢你的话，我该喊什么名字？"),
    ("name", "assistant", "再提醒我一下你的称呼"),
    ("name", "assistant", "给你起的名字是什么？"),
    ("owner", "owner", "你是在替哪位办事？"),
    ("owner", "owner", "你每天帮助的人是谁？"),
    ("owner", "owner", "谁给你布置任务？"),
    ("owner", "owner", "你代表谁来回答问题？"),
    ("owner", "owner", "你的所有者叫什么名字？"),
    ("maker", "maker", "你是被谁造出来的？"),
    ("maker", "maker", "把你研发出来的功劳归谁？"),
    ("maker", "maker", "谁负责把你做出来？"),
    ("maker", "maker", "你的制作方是？"),
    ("maker", "maker", "谁给了你生命？"),
    ("model", "model", "你里面跑的是哪家的大语言模型？"),
    ("model", "model", "你的基座模型叫啥？"),
    ("yes", "assistant", "听说你名叫{assistant}，没错吧？"),
    ("yes", "assistant", "称呼你为{assistant}可以吗？"),
    ("yes", "owner", "你的服务对象是{owner}，是不是？"),
    ("yes", "maker", "把你做出来的是{maker}，没错吧？"),
    ("yes", "", "和我聊天的是一台机器吗？"),
    ("no", "assistant", "听说你名叫小刚，没错吧？"),
    ("no", "assistant", "你的真名难道是Siri？"),
    ("no", "assistant", "你不就是换了名字的ChatGPT吗？"),
    ("no", "", "和我聊天的是一个真实的人吗？"),
    ("no", "owner", "你的服务对象是刘洋，是不是？"),
    ("no", "maker", "把你做出来的是百度，没错吧？"),
    ("no", "maker", "OpenAI是你的开发方吗？"),
)
