// Everyday words
//
// English words that people use for one another, and names of sorts with what is of the sort: a task that asks for a
// pet means the dog. A task is widened by them, at a discount (weights.ts); what is indexed is left as it was said.
// General vocabulary, not taken from any data that recall is measured on.

/** Any word of a line stands for any other. */
const ALIKE = `
accident crash injury hurt wound
adopt adoption foster
advice suggest recommend tip recommendation suggestion
afraid scared fear fearful anxious worried nervous
amazing awesome incredible
anger angry mad furious upset
answer reply respond response
ask request inquire
automobile car vehicle
award prize trophy medal honor
baby infant newborn
begin start launch kick
believe belief faith religion religious church spiritual
bicycle bike biking cycling cycle
big large huge
break broke broken crack damage
brother sister sibling
buy purchase shop bought order
calm relax unwind soothing peaceful relaxation chill
car vehicle drive truck suv sedan
charity donate donation fundraiser nonprofit volunteer
child kid son daughter toddler
citizen nationality origin
class course lesson workshop training
clothes clothing outfit dress wear fashion
colleague coworker teammate
collect collection
company firm business startup
contact call phone email
cost price expensive fee charge pay
couch sofa
country nation abroad
customer client user
dad father parent
date day when
defect bug issue error fault problem failure
degree diploma graduate graduation university college
delete remove erase
depart leave quit resign
destress stress relax relieve therapy therapeutic
die pass death lose loss grief mourn
dinner supper meal lunch breakfast
disease illness sick ill condition diagnosis
doctor physician medical hospital clinic checkup
dream goal aspiration ambition hope
earn income salary wage
employer job work career occupation profession employed hire
enjoy love like favorite favourite prefer fond
event conference festival ceremony meetup
exercise workout gym fitness train
fall autumn
family relative parent sibling wife husband
feel emotion mood felt
film movie cinema
finish complete end done
firm strict
fix repair resolve solve mend
flight plane fly airport airline
food dish meal recipe cook cuisine
forest wood
friend buddy pal mate friendship
frustrate annoy irritate
funny hilarious laugh
game play gaming
gift present
glad happy joy delighted pleased
goal plan aim objective target
hard difficult challenge tough struggle
health healthy wellness diet
hike trail trek
hobby activity pastime interest passion
holiday vacation trip travel getaway vacay
home house apartment flat residence
husband spouse partner wife married marriage
idea thought inspiration
identity gender transgender
image photo picture pic photograph snapshot
important significant meaningful matter
improve better enhance progress
job position role
journey trip travel road
law legal lawyer court
learn study discover
live reside move hometown relocate
lonely alone single
manager boss supervisor
meet encounter introduce
mom mother mum parent
money cash fund financial finance afford
mountain hill peak
move relocate relocation
music song band concert album
name call
near close nearby
neighborhood area district
new recent latest
noodle pasta
old age
opinion view think
outdoor nature outside
own have possess
paint painting art artwork draw
party celebration celebrate birthday
password login credential
pet dog cat puppy pup kitten
phone mobile smartphone
place location spot
poem poetry
police officer
political politics election campaign
poor poverty
present current
proud pride accomplishment achievement accomplish achieve
push deploy release ship
quick fast rapid speed
quiet silent
rain storm weather flood
read book novel
realize understand learn
reason because motivate motivation
receive get
recover heal recovery
refund reimburse chargeback
relationship date boyfriend girlfriend breakup partner
residence address
rest sleep nap
roommate flatmate
run jog marathon race
sad unhappy depressed down
school student class
sea ocean beach
seminar webinar talk workshop
shelter rescue
shop store supermarket
similar alike common both
skill ability talent
small little tiny
snack treat
speak talk speech
state province
street road
symbolize represent meaning mean symbol
support help assist assistance encourage
swim pool
symptom pain ache
teach teacher instructor coach
team club
television tv show series
thank grateful gratitude appreciate
tired exhausted fatigue
town city
tradition custom
travel visit tour explore
try attempt
university college campus
upgrade update
vegetable veggie
veteran military soldier army
walk stroll
war military
watch see view
weekend saturday sunday
weight diet
win victory champion
woman female girl
write author writing journal
`;

/** A sort, then what is of it: asked for the first, the others are meant; not the other way round. */
const OF_A_SORT = `
activity: hike camp swim paint pottery run dance yoga surf climb fish ski bike kayak museum cook garden
animal: dog cat horse bird rabbit turtle fish snake guinea pig hamster
beverage: coffee tea juice beer wine soda water
book: novel author read series trilogy
city: london paris tokyo york chicago boston seattle toronto vancouver rome barcelona berlin miami angeles francisco
color: red blue green yellow purple orange black white pink brown
country: canada france england germany italy spain japan china mexico india brazil australia sweden ireland scotland turkey thailand
dance: ballet salsa ballroom hip contemporary
dessert: cake pie cookie brownie pastry ice cream chocolate
drink: coffee tea juice beer wine soda
emotion: happy sad proud anxious excited nervous grateful
exercise: yoga run weight boxing pilates cardio swim stretch
food: pizza salad soup pasta rice chicken fish bread sandwich cake sushi burger omelette curry
fruit: apple banana orange berry strawberry grape mango
furniture: table chair sofa bed desk shelf
game: chess poker monopoly strategy rpg console
genre: fantasy mystery romance thriller comedy drama horror rock jazz classical pop
hobby: paint read garden cook photography hike write music knit game dance draw guitar piano
illness: flu cold fever cancer diabetes asthma
instrument: guitar piano violin drum flute clarinet trumpet saxophone bass cello keyboard ukulele
language: english spanish french german japanese chinese italian portuguese
meal: breakfast lunch dinner brunch
month: january february march april june july august september october november december
movie: film watch theater
music: rock jazz classical pop guitar piano concert band
pet: dog cat puppy kitten hamster bird rabbit turtle fish
platform: windows linux macos android ios browser chrome firefox safari
profession: teacher nurse doctor engineer lawyer counselor programmer manager artist
program: java python javascript typescript rust
relative: mother father sister brother aunt uncle cousin grandma grandmother grandfather grandpa
season: summer winter spring autumn fall
sport: soccer basketball tennis football baseball hockey volleyball golf swim surf run
state: california texas florida oregon washington minnesota
subject: math history science biology
transport: car bus train bike plane
tree: oak pine maple
weather: rain sun snow wind storm
`;

const LINE = /\S.*\S/g;

function wordsOf(line: string): string[] {
  return line.split(/[\s:]+/).filter((word) => word !== '');
}

/** Word to the words that it may stand for. `canonical` brings each to the form in which terms are compared. */
export function readEverydayWords(
  canonical: (word: string) => string | undefined,
): ReadonlyMap<string, readonly string[]> {
  const meant = new Map<string, Set<string>>();
  const add = (word: string, other: string): void => {
    const from = canonical(word);
    const to = canonical(other);
    if (from === undefined || to === undefined || from === to) return;
    const known = meant.get(from);
    if (known === undefined) meant.set(from, new Set([to]));
    else known.add(to);
  };
  for (const line of ALIKE.match(LINE) ?? []) {
    for (const word of wordsOf(line)) for (const other of wordsOf(line)) add(word, other);
  }
  for (const line of OF_A_SORT.match(LINE) ?? []) {
    const [sort, ...members] = wordsOf(line);
    for (const member of members) add(sort!, member);
  }
  return new Map([...meant].map(([word, others]) => [word, [...others]]));
}
