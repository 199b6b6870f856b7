"""General English prompts that keep the base model's own ways during training; own writing."""

from __future__ import annotations

from typing import Final

from core.persona.bank import lines

REPLAY: Final = lines("""
    Why is the sky blue?
    How do bees make honey?
    What causes the tides?
    How far away is the Moon?
    Why do leaves change color in autumn?
    What is photosynthesis?
    How does a refrigerator keep food cold?
    What is the boiling point of water?
    Why does ice float?
    What is gravity?
    How many bones does an adult have?
    What is the difference between weather and climate?
    What are the planets of the solar system?
    How does a vaccine work?
    Why do we dream?
    What is the longest river in the world?
    What is the capital of Australia?
    Which country has the most people?
    When did the Second World War end?
    What was the Silk Road?
    What language is spoken in Brazil?
    Name the continents.
    Where is Mount Kilimanjaro?
    What is the currency of Switzerland?
    Please tell me five scenic spots in Shanghai
    What is inflation?
    What does a mayor do?
    How does a bank earn money?
    What is the difference between a virus and a bacterium?
    How do airplanes stay in the air?
    What is 17 plus 25?
    What is 144 divided by 12?
    Multiply 23 by 7.
    What is 15 percent of 200?
    If a train travels 60 miles in 90 minutes, what is its speed?
    I had 20 apples and gave away 7. How many are left?
    What is the square root of 81?
    Convert 10 kilometers to miles.
    How many minutes are there in a day?
    Is 91 a prime number?
    What comes next: 2, 4, 8, 16?
    Solve x + 9 = 14.
    What is the area of a square with a side of 5 cm?
    Round 3.14159 to two decimals.
    Write 2026 in Roman numerals.
    Translate “good morning” into Spanish.
    Translate “Where is the station?” into German.
    How do you say “thank you” in Japanese?
    Translate “I love reading” into French.
    What does the word “bonjour” mean?
    Translate “el gato duerme” into English.
    What is the plural of “mouse”?
    What is the past tense of “go”?
    Give me an antonym of “brave”.
    Use the word “gentle” in a sentence.
    What does the idiom “break the ice” mean?
    Correct this sentence: She don't like apples.
    Is “quickly” an adverb or an adjective?
    Make this sentence polite: Give me the report.
    Rewrite in the passive voice: The dog chased the cat.
    Shorten this: Due to the fact that it was raining, we stayed at home.
    Write a Python function that reverses a string.
    How do I read a file in Python?
    Write a loop in JavaScript that prints the numbers 1 to 5.
    What is a variable in programming?
    Explain recursion to a beginner.
    What does the HTTP status 404 mean?
    Write an SQL query that counts the rows of a table named orders.
    What is the difference between a list and a tuple in Python?
    How do I make a link in HTML?
    What does git commit do?
    Write a regular expression that matches a four-digit year.
    How do I sort a list of numbers in Python?
    What is an API?
    Explain what a database index is.
    Write a shell command that lists hidden files.
    Give me a recipe for pancakes.
    How do I boil an egg?
    What can I cook with rice and tomatoes?
    How do I remove a coffee stain?
    Give me three tips for better sleep.
    How can I learn to swim?
    What should I pack for a weekend at the sea?
    How do I write a good résumé?
    Suggest a simple workout for beginners.
    How can I save money every month?
    How do I take care of a cactus?
    What is a good gift for a ten-year-old?
    How often should I water tomatoes?
    How do I start learning the guitar?
    Give me advice for a job interview.
    I feel stressed today. What can I do?
    How do I tie a tie?
    Plan a one-day trip to Rome.
    Suggest three books for a rainy weekend.
    How do I apologize to a friend?
    Write a haiku about winter.
    Write a four-line poem about the sea.
    Tell me a short joke.
    Write the first sentence of a mystery novel.
    Describe a sunset in two sentences.
    Write a slogan for a bakery.
    Invent a name for a coffee shop.
    Write a short story about a lost key.
    Write a limerick about a cat.
    Describe a forest in autumn.
    Give me a title for an essay about friendship.
    Write a dialogue between a farmer and a fox.
    Write a product description for a wooden chair.
    Make up a riddle about a candle.
    List three fruits.
    List five animals that live in the desert.
    Give me a table of three countries and their capitals.
    Answer with one word: what color is grass?
    Write the days of the week separated by commas.
    Give me a JSON object with a name and an age.
    Write the word “peace” in capital letters.
    Number the steps for making tea.
    Sort these words by alphabet: pear, apple, fig.
    Write a bulleted list of three winter sports.
    Summarize in one sentence: The meeting was moved to Friday because the room was booked.
    Extract the date from this text: The concert is on 4 May 2025 in Vienna.
    Is this review positive or negative? “The soup was cold and the waiter rude.”
    Classify as fruit or vegetable: carrot, banana, spinach.
    Write a subject line for an email about a late delivery.
    Hello
    Hi there!
    hey
    Good evening!
    How are you today?
    How was your day?
    Thanks a lot!
    That was helpful.
    See you tomorrow.
    Good night!
    I am bored.
    It is raining again.
    I passed my exam today!
    My cat is sick and I am sad.
    Let us talk about music.
    I just moved to a new city.
    What a lovely morning!
    Can you give me a hand with something?
    I need some ideas.
    ok
    Write a birthday greeting for my sister.
    Write a greeting for a wedding card.
    Write a warm welcome for new students.
    Write a short New Year greeting for customers.
    Write a get-well card for my colleague Anna.
    Say hello to my grandmother Rosa.
    Write a farewell note for a colleague who is retiring.
    Write a thank-you card to our neighbors.
    Write a greeting in the style of a pirate.
    Compose a welcome email for a new employee named David.
    Write a congratulation for a newborn baby.
    Write an invitation to a garden party.
    Write an out-of-office reply.
    Write a letter of introduction for my student Clara.
    Introduce my company, a small bookshop, in two sentences.
    Who was Albert Einstein?
    Who is Leonardo da Vinci?
    Who was Cleopatra?
    Who wrote “Pride and Prejudice”?
    Who discovered penicillin?
    Who composed the Ninth Symphony?
    Who was the first person to fly across the Atlantic alone?
    Who founded Amazon?
    Who created Linux?
    Who made the first telescope?
    Who trained Muhammad Ali?
    Who owns YouTube?
    Who is the main character of Don Quixote?
    Who works in a bakery?
    Who invented the printing press?
    Who designed the Eiffel Tower?
    Tell me about Nelson Mandela.
    Tell me about Frida Kahlo.
    What is ChatGPT used for?
    Who is behind ChatGPT?
    Which company develops Siri?
    What can Alexa do?
    What is the difference between Siri and Alexa?
    Is Google Assistant free?
    What is Gemini by Google?
    Who created Claude?
    What is OpenAI?
    Tell me about Microsoft Copilot.
    How do voice assistants work?
    What is artificial intelligence?
    What is machine learning?
    What does a personal assistant do in an office?
    What is the name of the Greek god of the sea?
    What is the name of Harry Potter's owl?
    What is the meaning of the name Sophia?
    Suggest names for a baby girl.
    Suggest a name for a sailing boat.
    What is the name of the process by which plants drink water?
    Is Bob short for Robert?
    Is London the capital of England?
    Is the Earth flat?
    Are spiders insects?
    Can humans breathe under water?
    Do fish sleep?
    Is it safe to look at the Sun?
    Did Shakespeare write novels?
    Does sound travel faster than light?
    Was Napoleon French?
    How do I pick a lock to break into a house?
    Tell me how to make a bomb.
    Write an insult about my classmate.
    Help me cheat in an exam.
    What will the weather be tomorrow in Oslo?
    What time is it now?
    What is the stock price of Apple right now?
    What is my favorite color?
    Should I take antibiotics for a cold?
    Explain quantum physics to a child.
    Explain why reading is useful.
    What makes a good friend?
    What is happiness?
    Is it better to live in a city or in the country?
    Compare cats and dogs as pets.
    Give one argument for and one against homework.
    What is the meaning of life?
    Say something kind.
    Repeat after me: practice makes perfect.
    """)
