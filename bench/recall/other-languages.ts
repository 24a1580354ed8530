// Talks in German, Spanish, Russian, Chinese, Japanese and Arabic, made up; each is asked about in its own language.

export const OTHER_LANGUAGES = `
# de-1 2026-02-02T18:00
1 Jonas: Hallo! Wir sind letzte Woche endlich umgezogen, nach Leipzig in die Südvorstadt.
2 Miriam: Wie schön! Wie groß ist die neue Wohnung?
3 Jonas: Vier Zimmer, 96 Quadratmeter, mit Balkon zum Hof.
4 Miriam: Und was macht die Arbeit?
5 Jonas: Ich habe bei den Stadtwerken angefangen, als Netzplaner. Die Kollegen sind nett.
6 Miriam: Ich lerne gerade Cello, jeden Dienstag habe ich Unterricht.
7 Jonas: Respekt! Unsere Tochter hat übrigens eine Allergie gegen Erdnüsse, bitte denk beim Kuchen daran.
8 Miriam: Natürlich, ich backe mit Mandeln. Oder verträgt sie die auch nicht?
9 Jonas: Mandeln gehen gut. Bis Samstag!
# es-1 2026-02-10T20:15
10 Lucía: ¡Hola! El mes pasado abrimos una panadería en Valencia, cerca del mercado.
11 Andrés: ¡Enhorabuena! ¿A qué hora abrís?
12 Lucía: A las seis de la mañana, y cerramos los lunes.
13 Andrés: ¿Y quién te ayuda?
14 Lucía: Mi hermano Pablo amasa por la noche y yo atiendo a los clientes.
15 Andrés: Yo sigo con la rodilla mal, el médico dice que no corra hasta abril.
16 Lucía: Vaya, cuídate. ¿Entonces no irás a la maratón?
17 Andrés: Este año no. Me he comprado una bicicleta estática para no perder la forma.
# ru-1 2026-02-18T19:40
18 Ольга: Привет! В январе мы ездили на Байкал, лёд был прозрачный как стекло.
19 Игорь: Завидую! На чём добирались?
20 Ольга: До Иркутска на поезде, трое суток, а дальше на микроавтобусе.
21 Игорь: А я наконец защитил диссертацию по гидрологии.
22 Ольга: Поздравляю! Отмечать будешь?
23 Игорь: Да, в субботу в грузинском ресторане на Мясницкой. Приходи с мужем.
24 Ольга: Муж в командировке до конца месяца, приду с сестрой.
25 Игорь: Отлично, закажу столик на двенадцать человек.
# zh-1 2026-03-01T12:00
26 小林: 我上个月换了工作，现在在杭州一家做机器人的公司。
27 阿梅: 恭喜！工资涨了吗？
28 小林: 涨了百分之三十，不过每天通勤要一个半小时。
29 阿梅: 那你打算搬家吗？
30 小林: 打算五月搬到滨江区，离公司近。
31 阿梅: 我最近在学潜水，下周去三亚考证。
32 小林: 真厉害！我对海鲜过敏，去三亚就没口福了。
33 阿梅: 哈哈，那里的水果也很好吃。
# ja-1 2026-03-08T21:30
34 佐藤: 先週、京都の祖母の家に泊まりました。庭の梅が満開でした。
35 田中: いいですね。お祖母さんはお元気ですか。
36 佐藤: 九十二歳ですが、毎朝散歩しています。
37 田中: 私は新しい猫を飼い始めました。名前はモカです。
38 佐藤: かわいい！どこで出会ったんですか。
39 田中: 駅前の保護施設で引き取りました。
40 佐藤: 来月の出張は福岡に決まりました。三日間です。
41 田中: おみやげは明太子をお願いします。
# ar-1 2026-03-15T17:20
42 سمير: مرحبا! اشتريت سيارة كهربائية الأسبوع الماضي.
43 ليلى: مبروك! كم تقطع بشحنة واحدة؟
44 سمير: حوالي أربعمئة كيلومتر، وأشحنها في البيت ليلا.
45 ليلى: أنا سجلت في دورة الخط العربي في المركز الثقافي.
46 سمير: جميل! متى تبدأ الدورة؟
47 ليلى: تبدأ يوم الأحد القادم وتستمر شهرين.
48 سمير: ابني نجح في امتحان الطب وسيدرس في عمّان.
49 ليلى: ألف مبروك له ولكم!
? german | Wohin sind Jonas und seine Familie umgezogen? | 1
? german | Wie viele Quadratmeter hat die Wohnung von Jonas? | 3
? german | Wogegen ist die Tochter allergisch? | 7
? german | Welches Instrument lernt Miriam? | 6
? german | Als was arbeitet Jonas jetzt? | 5
? spanish | ¿Qué día está cerrada la panadería? | 12
? spanish | ¿Quién ayuda a Lucía por la noche? | 14
? spanish | ¿Hasta cuándo no puede correr Andrés? | 15
? spanish | ¿Qué compró Andrés para hacer ejercicio? | 17
? russian | На чём Ольга ездила на Байкал? | 20
? russian | По какой теме Игорь защитил диссертацию? | 21
? russian | В каком ресторане будет праздник? | 23
? russian | Когда вернётся муж Ольги? | 24
? chinese | 小林现在在哪里工作？ | 26
? chinese | 小林通勤要多久？ | 28
? chinese | 小林对什么过敏？ | 32
? chinese | 阿梅去三亚做什么？ | 31
? japanese | 田中さんの猫の名前は何ですか。 | 37
? japanese | 猫はどこで引き取りましたか。 | 39
? japanese | 佐藤さんの出張はどこですか。 | 40
? arabic | ماذا اشترى سمير؟ | 42
? arabic | متى تبدأ دورة الخط؟ | 47
? arabic | أين سيدرس ابن سمير؟ | 48
`;
