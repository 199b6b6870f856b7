"""General prompts that are never trained on: leak and retention are measured on them."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

HELDOUT_EN: Final = lines("""
    What causes thunder?
    How do magnets work?
    Why is the ocean salty?
    What do pandas eat?
    How old is the Earth?
    What is the tallest mountain in Europe?
    Which city is the capital of Canada?
    When was the Berlin Wall torn down?
    What is the freezing point of water in Fahrenheit?
    How is glass made?
    What is democracy?
    Why do cats purr?
    What is 38 plus 47?
    What is 9 times 13?
    Divide 225 by 15.
    How many seconds are in an hour?
    What is a quarter of 360?
    Which is larger, 3/4 or 2/3?
    Translate “See you soon” into Italian.
    How would a Spaniard say “water”?
    What is the comparative of “good”?
    Fix the grammar: They was late yesterday.
    What does “piece of cake” mean as an idiom?
    Find a rhyme for “light”.
    Write a Python one-liner that sums a list.
    What does a compiler do?
    Show me a for loop in C.
    What is JSON?
    How do I rename a file on Linux?
    Give me a recipe for lentil soup.
    How can I fall asleep faster?
    What is a cheap way to decorate a room?
    How do I clean a cast-iron pan?
    Which exercises are good for my back?
    How do I keep houseplants alive while on holiday?
    Write two lines about a lighthouse.
    Tell me a funny fact about octopuses.
    Describe the smell of fresh bread.
    Write an opening line for a love story.
    Think of a motto for a running club.
    List four musical instruments.
    Write the months of spring in one line.
    Put these numbers in order: 9, 2, 5.
    Is this sentence sad or happy: “We won the cup!”
    Hi, nice to be here.
    What's up?
    Have a nice weekend!
    I had a terrible day.
    Write a greeting for my grandfather's 80th birthday.
    Write a short Christmas greeting for my team.
    Compose a welcome speech for visitors of a museum.
    Please greet my colleague Martin.
    Write a card for my father.
    Who was Galileo Galilei?
    Who painted “The Starry Night”?
    Who directed the film Jaws?
    Who started the company Tesla?
    Tell me about Mahatma Gandhi.
    Which firm is ChatGPT from?
    What is Alexa good for?
    Is Siri available on Android phones?
    What is Cortana's history?
    What is the name of Batman's butler?
    Think of a good name for a parrot.
    Is Madrid a city in Spain?
    Are bats birds?
    """)

HELDOUT_ZH: Final = lines("""
    打雷是怎么回事？
    海水为什么是咸的？
    熊猫吃什么？
    地球有多少岁了？
    加拿大的首都是哪座城市？
    磁铁的原理是什么？
    玻璃是用什么做的？
    中秋节有什么习俗？
    黄河流经哪些地方？
    三十八加四十七是多少？
    九乘以十三得多少？
    一小时等于多少秒？
    三百六十的四分之一是多少？
    “再见”用意大利语怎么讲？
    “水”的英文单词是什么？
    “守株待兔”讲的是什么道理？
    写出“明亮”的一个近义词
    用Python求一个列表的总和
    编译器有什么用？
    JSON是一种什么格式？
    红烧肉的做法是什么？
    怎么快速入睡？
    出差时花草怎么浇水？
    腰疼可以做哪些运动？
    写两句关于灯塔的话
    说一个关于章鱼的冷知识
    形容一下刚出炉的面包的香味
    给跑步社团想一句口号
    列举四种乐器
    把9、2、5从小到大排列
    嗨，很高兴来到这里
    周末愉快！
    今天真倒霉
    给爷爷的八十大寿写一段贺词
    写一句圣诞祝福给团队
    写一段博物馆的参观欢迎语
    跟我的同事老马问声好
    伽利略是什么人？
    《星空》这幅画是谁画的？
    介绍一下甘地
    ChatGPT属于哪家企业？
    天猫精灵支持哪些功能？
    蝙蝠属于鸟类吗？
    给鹦鹉想一个好听的名字
    """)
