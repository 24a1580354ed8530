// A person talking with an assistant over half a year, made up; most questions use other words than the answers.

export const PARAPHRASES = `
# a 2025-11-04T08:00
1 Ruth: Morning! I can't sleep lately, I lie awake until two and then I'm useless at the office.
2 Assistant: That sounds exhausting. Do you drink coffee in the afternoon?
3 Ruth: Three espressos after lunch, I admit.
4 Assistant: Try to have none after noon for a week and tell me how it went.
5 Ruth: Will do. By the way, my sister Hannah had twins on Sunday, a boy and a girl!
6 Assistant: How lovely, congratulations to Hannah! What are they called?
7 Ruth: Emil and Frieda. Everybody is well.
# b 2025-11-13T19:30
8 Ruth: No espressos after noon, and I sleep like a stone. Who would have thought.
9 Assistant: I'm glad it worked! Shall I remind you to keep it up?
10 Ruth: No need. I want to repaint the kitchen before Christmas, something like sage.
11 Assistant: A soft green goes well with wooden cupboards. How large are the walls?
12 Ruth: About 24 square metres without the tiles.
13 Assistant: Then five litres are enough for two coats.
# c 2025-12-02T07:45
14 Ruth: I handed in my notice yesterday. Eleven years at the bank, and now I'm free!
15 Assistant: What a step! What will you do next?
16 Ruth: I start at a bicycle workshop in January, repairing and selling. Half the money, twice the fun.
17 Assistant: That suits you. How did your boss react?
18 Ruth: He was speechless, then he hugged me. There will be a farewell on the nineteenth.
19 Assistant: Do you want help with a speech?
20 Ruth: Yes, but short. I hate standing in front of people.
# d 2025-12-21T16:10
21 Ruth: The farewell was sweet, they gave me a torque wrench with my name on it.
22 Assistant: What a fitting present!
23 Ruth: And I cried, of course. Now holidays: we drive to my parents in Husum on the 24th and stay four nights.
24 Assistant: Safe travels! Is Milo coming along?
25 Ruth: Sure, he gets carsick but he loves the beach. He ate half a candle last year.
26 Assistant: Poor dog. Bring his blanket and feed him well before you leave.
# e 2026-01-18T20:20
27 Ruth: First two weeks in the workshop are over. My hands look like a mechanic's.
28 Assistant: How is the team?
29 Ruth: There's old Werner, who knows every gear hub since 1960, and Aylin, who does the books.
30 Assistant: Sounds like good company.
31 Ruth: Only my back complains, eight hours on my feet. I signed up for pilates on Wednesdays.
32 Assistant: A good idea. Ask Werner for a mat to stand on.
# f 2026-02-08T18:00
33 Ruth: We had water in the cellar, the pipe of the washing machine burst while we were at the cinema.
34 Assistant: Oh no! Is there much damage?
35 Ruth: All my old records are ruined, around two hundred. The insurance wants a list.
36 Assistant: I can make a table, if you tell me titles and years.
37 Ruth: Maybe later, I'm too sad. The plumber charged 340 for the weekend.
38 Assistant: Keep his bill, the insurance should cover it.
# g 2026-03-01T09:00
39 Ruth: Jan has asked me to marry him! On the ferry to Amrum, in the middle of a hailstorm.
40 Assistant: Congratulations! What did you say?
41 Ruth: I laughed so hard that he had to ask twice, then yes. We think of September, outdoors, forty people at most.
42 Assistant: Wonderful. Shall we begin a list of guests?
43 Ruth: Let's. But not my cousin Bernd, we haven't spoken since grandma's funeral.
44 Assistant: Bernd stays off the list.
45 Ruth: And the meal must be without meat, Jan's whole family is vegetarian.
# h 2026-03-22T17:30
46 Ruth: Milo was at the vet, limping for days. It's the joint, he gets drops now, morning and evening.
47 Assistant: Poor Milo. For how long?
48 Ruth: Six weeks, then they take another x-ray.
49 Assistant: I hope he's up and about soon.
50 Ruth: Thanks. On a happier note, the insurance paid, 2,150 in all.
# i 2026-04-12T10:15
51 Ruth: I passed the exam! I'm a certified e-bike technician now.
52 Assistant: Great! Was it hard?
53 Ruth: The electrics part was nasty, I guessed two answers.
54 Assistant: It was enough, that's what counts.
55 Ruth: Werner retires in summer, and he wants me to take over the shop with Aylin.
56 Assistant: That is big news. What do you think?
57 Ruth: I'm tempted and terrified. We'd need 60,000, I meet the bank on Tuesday, my old colleagues of all people.
58 Assistant: Shall I draft a business plan with you?
59 Ruth: Please, Sunday afternoon.
? paraphrase | What helped with her insomnia? | 4 8
? paraphrase | What are the names of her nephew and niece? | 7
? paraphrase | What colour did she choose for redecorating? | 10
? paraphrase | Which employer did she resign from? | 14
? paraphrase | What is her new occupation? | 16
? paraphrase | What did colleagues offer her when she left? | 21
? paraphrase | Where did she spend Christmas, and how long? | 23
? paraphrase | What trouble does her pet have on journeys? | 25
? paraphrase | What does she do against back pain? | 31
? paraphrase | How did the flood in the basement come about? | 33
? paraphrase | What possessions of hers were destroyed? | 35
? paraphrase | How much compensation did she receive? | 50
? paraphrase | Where did her fiancé propose? | 39
? paraphrase | Who must not be invited to the wedding? | 43
? paraphrase | What should the caterer know about the guests? | 45
? paraphrase | What medicine does the dog take, and how often? | 46
? paraphrase | Which qualification did she earn this spring? | 51
? paraphrase | What offer did her older coworker make? | 55
? paraphrase | How large a loan would the takeover require? | 57
? temporal | When will the ceremony take place? | 41
`;
