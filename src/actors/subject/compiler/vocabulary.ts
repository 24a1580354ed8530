// Vocabulary
//
// The English words that the patterns of the compiler know, by what they do there. Other languages are not guessed at: a sentence
// in them has none of these words where a pattern needs them, and becomes no fact.

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** May stand between the words of a pattern without changing what is said. */
export const ADVERBS =
  set(`currently now still just also actually really recently already mostly usually personally always basically
  presently officially finally mainly primarily absolutely truly generally typically definitely certainly simply totally
  proudly happily only both all even ever legally formally newly so very deeply fully`);

/** Behind one of these a sentence speaks of what is not, or not yet known to be, the case. */
export const SUPPOSING =
  set(`if unless suppose supposing imagine imagining pretend pretending wish wishing hypothetically whether
  assume assuming dream dreamed dreamt dreaming joking kidding maybe perhaps possibly might probably when whenever once until
  before lest doubt example instance wonder wondering almost nearly would could should unsure forget untrue false lie lied`);

/** What others say is not what the speaker says. */
export const REPORTING =
  set(`said says say saying told tells tell claims claimed claim thinks thought think believes believe believed
  asked asks ask wrote writes suggested suggests assumes assumed guessed guesses replied answered mentioned sings sang`);

export const DENYING = set('not never no hardly neither nor nobody without');

/** A request to work on a text that follows: what it says is not said by the one who asks. */
export const DICTATING =
  set(`translate proofread rewrite rephrase paraphrase correct edit summarize summarise draft compose write
  roleplay act pretend imagine explain fix generate reply answer complete continue analyze analyse repeat parse classify`);

/** An assistant that says one of these before "you …" repeats what it was told. */
export const CONFIRMING =
  set(`noted understood confirmed confirm confirming recorded updated saved remember mentioned told said
  recall know see got great perfect thanks thank correct right`);

/** Ends a phrase that a pattern captures. */
export const PHRASE_ENDS =
  set(`and but because since so as which who whom whose when where while if until then or though although
  however that than these those this now right currently anymore lately recently again too also btw fyi please thanks instead i we
  you he she they it is was are were has have had do did does will would can could because during after before with`);

/** Behind a place or an organisation: prepositions end it as well. */
export const PREPOSITIONS = set(
  'in on at from for by about to into over under near around within without across via per',
);

export const ARTICLES = set('a an the');
export const POSSESSIVES = set('my our your his her their its');

/** What follows "I like": not a thing that one remembers somebody for. */
export const EMPTY_THINGS =
  set(`it that this them these those you him her us me how what when where why who whether your his
  their its one ones everything something anything nothing someone everybody all some any both neither if i we they he she there
  so too no not yes as`);

/** What people ask an assistant always or never to do. */
export const REQUESTED =
  set(`reply respond answer use write include ask call speak send check format keep put show give explain add cc
  address confirm return start end run email contact share round mention suggest offer text message notify translate quote cite
  schedule book ship deploy commit push merge test round print summarize summarise refer assume delete post charge phone`);

/** What may stand before "I" at the beginning of a statement; behind other words "I …" belongs to them ("the things I love"). */
export const OPENERS =
  set(`and but because since so as that also though although while then hi hello hey ok okay yes yeah yep yup well
  no oh actually currently now today thanks thank cheers know sure afraid honestly personally basically fyi btw ps like plus or
  sorry please anyway wow aww cool great nice at here there yesterday tomorrow lately nowadays still sometimes usually where you`);

export const DIETS = set(
  'vegan vegetarian pescatarian celiac coeliac diabetic lactose-intolerant gluten-free halal kosher',
);
export const MARITAL = set('married single divorced engaged widowed separated');

export const KIN =
  set(`wife husband spouse partner girlfriend boyfriend fiance fiancee fiancé fiancée son daughter child kid baby mother
  mom mum father dad brother sister sibling aunt uncle cousin grandmother grandma grandfather grandpa niece nephew stepson stepdaughter
  stepmother stepfather boss manager supervisor colleague coworker co-worker teammate roommate flatmate neighbor neighbour landlord
  assistant mentor friend bestie twin cat dog puppy kitten horse hamster parrot rabbit pet doctor therapist dentist lawyer accountant
  co-founder cofounder`);
export const KIN_PLURAL =
  set(`kids children sons daughters brothers sisters siblings cats dogs pets grandchildren cousins nieces
  nephews horses roommates puppies kittens`);

/** What can be said of somebody's people: "my sister lives in Oslo". */
export const KIN_VERBS =
  set(`is works lives has loves likes plays studies runs teaches owns moved speaks wants hates goes owns
  started graduated prefers uses died`);

export const FAVORITE_KINDS =
  set(`book movie film song band singer artist color colour food dish restaurant team sport game show series
  author place city country season holiday drink coffee tea language editor tool animal subject hobby actor actress genre album
  dessert fruit snack cuisine meal number day car brand podcast director writer player teacher class flower instrument`);

export const PLANS =
  set(`free pro premium enterprise business team teams basic starter plus standard growth personal hobby developer
  scale professional ultimate gold silver platinum trial annual monthly family student individual unlimited advanced essential
  essentials max lite`);

export const LANGUAGES =
  set(`english spanish french german italian portuguese dutch swedish norwegian danish finnish polish czech russian
  ukrainian greek turkish arabic hebrew persian farsi hindi urdu bengali tamil telugu chinese mandarin cantonese japanese korean
  vietnamese thai indonesian malay tagalog swahili hungarian romanian bulgarian serbian croatian catalan irish welsh latin
  esperanto punjabi marathi gujarati icelandic estonian latvian lithuanian slovak slovenian afrikaans zulu amharic yoruba`);

/** Capital letters behind "I'm", and no name. */
export const NO_NAMES =
  set(`american british english french german italian spanish portuguese dutch swedish norwegian danish finnish
  polish czech russian ukrainian greek turkish indian chinese japanese korean vietnamese thai canadian mexican brazilian australian
  irish scottish welsh european african asian latino latina jewish christian catholic muslim hindu buddhist atheist ok okay fine
  sorry happy glad sure done back here ready tired sick busy excited new good great well afraid aware interested looking
  january february march april may june july august september october november december monday tuesday wednesday thursday friday
  saturday sunday not also so very too still just really trying going getting having using working team ceo cto cfo coo vp hr qa
  ai god swiss austrian belgian israeli iranian egyptian kenyan nigerian pakistani filipino argentinian colombian peruvian chilean
  the a an in on at from i pretty super totally kind sort down up out off under over all about against with without for like
  aspiring autistic deaf blind gay bi trans lgbtq lgbtq+ queer straight adhd libra aries taurus gemini cancer leo virgo scorpio
  sagittarius capricorn aquarius pisces republican democrat vegan vegetarian`);

/** Behind "work at", and no employer. */
export const NO_ORGS =
  set(`home night nights least once times present noon dawn dusk free fun myself ourselves yourself him her them it you
  me us himself herself peace living money hours days weeks months years weekends mornings evenings all anything something
  everyone nobody what that this these those height heights least most best both full-time part-time remotely half different
  various many several clients people kids children animals companies one two three bit while change minute long ages`);

/** Words in small letters that are tools all the same. */
export const SMALL_TOOLS =
  set(`vim neovim emacs git npm yarn pnpm bun deno node docker podman kubernetes k8s terraform ansible postgres
  postgresql mysql sqlite mongodb redis kafka rabbitmq nginx apache python java javascript typescript rust go golang ruby php perl
  kotlin swift scala haskell elixir clojure react vue angular svelte django flask rails laravel spring express nextjs tailwind
  linux ubuntu debian fedora arch windows macos android ios slack notion figma jira github gitlab bitbucket excel word outlook
  gmail zoom teams trello asana photoshop lightroom blender unity unreal vscode intellij pycharm jenkins circleci aws azure gcp
  heroku vercel netlify cloudflare stripe shopify wordpress salesforce hubspot zendesk airtable snowflake bigquery spark airflow
  dbt tableau pytorch tensorflow pandas numpy matlab elasticsearch datadog grafana prometheus sentry zsh bash fish tmux obsidian
  duckdb cassandra dynamodb supabase firebase nats lmdb webpack vite esbuild eslint biome prettier jest playwright cypress`);

const ROLES =
  set(`engineer developer programmer teacher nurse doctor physician designer manager student lawyer attorney accountant
  writer artist chef cook consultant analyst scientist researcher founder cofounder co-founder ceo cto cfo coo cmo cio vp director
  administrator admin architect photographer journalist editor musician singer actor actress pilot mechanic electrician plumber
  carpenter farmer gardener librarian pharmacist dentist veterinarian vet therapist psychologist counselor counsellor coach trainer
  instructor professor lecturer tutor translator interpreter recruiter salesperson salesman marketer freelancer contractor builder
  driver firefighter paramedic officer detective soldier captain barista bartender waiter waitress cashier clerk secretary
  assistant receptionist technician operator planner producer filmmaker videographer animator illustrator painter sculptor dancer
  choreographer composer economist statistician mathematician physicist chemist biologist geologist astronomer historian
  philosopher linguist sociologist anthropologist archaeologist surgeon midwife dietitian nutritionist optometrist paralegal
  judge realtor broker banker trader investor entrepreneur intern apprentice supervisor foreman executive president owner
  landlord baker butcher tailor hairdresser stylist bookkeeper auditor actuary strategist copywriter blogger podcaster streamer
  youtuber sysadmin devops dba tester qa lead head specialist coordinator representative agent advisor adviser postdoc principal
  pastor priest rabbi imam nanny babysitter caregiver welder machinist surveyor geneticist neuroscientist cardiologist
  radiologist pediatrician psychiatrist dermatologist oncologist physiotherapist sommelier florist`);

/** Whether a noun is what people work as. */
export function isRole(low: string): boolean {
  return ROLES.has(low) || (low.length > 8 && /(ologist|ographer|ician|strator)$/.test(low));
}

/** Past forms that begin what somebody did; those in "-ed" need no list. */
const PAST_FORMS =
  set(`went was were had got made took saw met bought came found gave left lost ran said told thought felt began broke
  brought built caught chose did drank drew drove ate fell flew forgot froze grew heard held hid hit hurt kept knew led let lent
  paid put quit read rode rose sent set shot sang sat slept spoke spent stood stole swam taught threw understood woke wore won wrote
  became cut sold shut swept tore`);

export function isPastForm(low: string): boolean {
  return PAST_FORMS.has(low) || (low.length > 3 && low.endsWith('ed') && low !== 'need' && low !== 'speed');
}
