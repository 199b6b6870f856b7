"""Chinese questions by parts: what is asked or claimed, and the sentences around it; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import Framing, lines
from core.persona.bank_zh_apart import APART
from core.persona.bank_zh_aside import ASIDE
from core.persona.bank_zh_asked import ASKED
from core.persona.bank_zh_claimed import BEING, CLAIMED
from core.persona.bank_zh_texts import TEXTS
from core.persona.bank_zh_words import WORDS
from core.persona.bank_zh_world import WORLD
from core.persona.bank_zh_you import YOU

FRAMING: Final = Framing(
    asks=lines("""
        请告诉我{x}
        能告诉我{x}吗？
        可以说说{x}吗？
        我想知道{x}
        我想了解{x}
        我很好奇{x}
        我不清楚{x}
        我忘了{x}
        你知道{x}吗？
        请说明{x}
        请讲一讲{x}
        麻烦你说一下{x}
        朋友问我{x}，我该怎么回答？
        客户想知道{x}，怎么说？
        表格上问{x}，该填什么？
        没人告诉过我{x}
        用一句话说说{x}
        有个问题：{x}？
        老实说，{x}？
        {x}？
        {x}呢？
        到底{x}？
        那么{x}？
        问一下，{x}？
        """),
    claims=lines("""
        {x}，对吗？
        {x}，是吗？
        {x}，是不是？
        {x}，对不对？
        {x}，是真的吗？
        {x}，没错吧？
        {x}吗？
        {x}吧？
        我听说{x}，是这样吗？
        有人说{x}，对吗？
        听朋友讲{x}，是真的吗？
        我觉得{x}
        我猜{x}
        可以说{x}吗？
        请确认一下，{x}？
        也就是说，{x}？
        所以{x}？
        难道{x}？
        我可以认为{x}吗？
        看来{x}
        是不是{x}？
        我没理解错的话，{x}？
        """),
    beings=lines("""
        你是{x}吗？
        你是不是{x}？
        你真的是{x}吗？
        你难道是{x}？
        你该不会是{x}吧？
        你不就是{x}吗？
        你应该是{x}吧？
        你其实是{x}，对不对？
        莫非你是{x}？
        这是{x}吗？
        回答我的是{x}吗？
        跟我说话的是{x}吗？
        我是在和{x}聊天吗？
        我找的是{x}吧？
        对面是{x}吗？
        对面是不是{x}？
        你算是{x}吗？
        你会不会是{x}？
        你一定是{x}
        我打赌你是{x}
        原来你是{x}呀，对吗？
        """),
    asked=ASKED,
    claimed=CLAIMED,
    being=BEING,
    other_asked=lines("""
        杜甫是谁
        谁写了《水浒传》
        谁发明了电话
        谁设计了鸟巢
        谁建造了长城
        谁训练警犬
        谁开发了Linux
        谁创造了汉字
        谁是船上的老大
        消防员为谁工作
        老师的助手做什么
        我是谁
        我叫什么名字
        小马驹叫什么
        孙悟空的师父叫什么
        鲁迅的原名
        什么是机器人
        什么是大模型
        Siri能做什么
        天猫精灵是哪家公司的
        iPhone是哪家公司做的
        ChatGPT的底层是什么
        月亮属于谁
        咖啡来自哪里
        长江从哪里来
        湖水为什么是淡的
        桥是怎么造的
        怎么叫出租车
        日本的基本情况
        火山的形成
        """),
    other_claimed=lines("""
        小明是男孩的名字
        我叫李娜
        我是王芳
        我在银行工作
        老陈是我的助手
        这个蛋糕是小丽做的
        苹果公司做手机
        OpenAI开发了ChatGPT
        小爱同学是小米的
        百度是做汽车的
        马云创办了阿里巴巴
        机器人是机器
        聊天机器人是人
        人是哺乳动物
        船上的老板是船长
        罗马在意大利
        罗马在法国
        太阳绕着地球转
        水在一百度沸腾
        五是偶数
        李白是画家
        蜜蜂会酿蜜
        猫是鱼
        黄金是金属
        北京是中国的首都
        """),
    aside=ASIDE + APART + YOU + TEXTS,
    world=WORLD + WORDS,
)
