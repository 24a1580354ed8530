// Slots
//
// What a profile fact can be about, in one table: how many values it may have at once, and how it is told. A fact's slot and value
// stand in its metadata; conflicts are found by them (conflict.ts), never by reading content.

/** `one`: a new value takes the place of the old. `many`: values stand beside each other. */
export type Arity = 'one' | 'many';

export interface Slot {
  readonly arity: Arity;
  /** `{who}` is who it is about, `{value}` the value, `{key}` what of the slot it is. */
  readonly template: string;
  /** How sure one may be of it when the person said it: 0.6 to 0.8. */
  readonly confidence: number;
}

export const slots = {
  'identity.name': { arity: 'one', template: "{who}'s name is {value}.", confidence: 0.8 },
  'identity.age': { arity: 'one', template: '{who} is {value} years old.', confidence: 0.75 },
  'identity.birthday': { arity: 'one', template: "{who}'s birthday is {value}.", confidence: 0.8 },
  'identity.pronouns': { arity: 'one', template: "{who}'s pronouns are {value}.", confidence: 0.8 },
  'identity.marital': { arity: 'one', template: '{who} is {value}.', confidence: 0.7 },
  'identity.language': { arity: 'many', template: '{who} speaks {value}.', confidence: 0.75 },
  employer: { arity: 'one', template: '{who} works at {value}.', confidence: 0.8 },
  'employer.left': { arity: 'many', template: '{who} no longer works at {value}.', confidence: 0.75 },
  role: { arity: 'one', template: "{who}'s role: {value}.", confidence: 0.75 },
  plan: { arity: 'one', template: '{who} is on the {value} plan.', confidence: 0.75 },
  'place.home': { arity: 'one', template: '{who} lives in {value}.', confidence: 0.8 },
  'place.origin': { arity: 'one', template: '{who} is from {value}.', confidence: 0.75 },
  'place.timezone': { arity: 'one', template: "{who}'s time zone is {value}.", confidence: 0.8 },
  'contact.email': { arity: 'one', template: "{who}'s email is {value}.", confidence: 0.8 },
  'contact.phone': { arity: 'one', template: "{who}'s phone number is {value}.", confidence: 0.8 },
  'contact.handle': { arity: 'one', template: "{who}'s {key} is {value}.", confidence: 0.75 },
  'preference.prefers': { arity: 'many', template: '{who} prefers {value}.', confidence: 0.75 },
  'preference.likes': { arity: 'many', template: '{who} likes {value}.', confidence: 0.65 },
  'preference.dislikes': { arity: 'many', template: '{who} dislikes {value}.', confidence: 0.65 },
  'preference.favorite': { arity: 'one', template: "{who}'s favorite {key} is {value}.", confidence: 0.75 },
  'preference.diet': { arity: 'many', template: '{who} is {key} {value}.', confidence: 0.75 },
  'preference.asks': { arity: 'many', template: '{who} asks: {key} {value}.', confidence: 0.65 },
  tool: { arity: 'many', template: '{who} uses {value}.', confidence: 0.7 },
  relation: { arity: 'many', template: "{who}'s {key}: {value}.", confidence: 0.7 },
  event: { arity: 'many', template: '{who}: {value}', confidence: 0.65 },
} as const satisfies Record<string, Slot>;

export type SlotName = keyof typeof slots;

/** Slots that deny one another about one value: whoever says the later one is believed. */
const OPPOSED: Partial<Record<SlotName, SlotName>> = {
  'preference.likes': 'preference.dislikes',
  'preference.dislikes': 'preference.likes',
  employer: 'employer.left',
  'employer.left': 'employer',
};

export function isSlotName(name: string): name is SlotName {
  return Object.hasOwn(slots, name);
}

export function opposedTo(slot: SlotName): SlotName | undefined {
  return OPPOSED[slot];
}

/** What of a fact tells it from others of its slot. */
export interface FactValue {
  readonly slot: SlotName;
  /** What of the slot: "sister", "book"; '' where the slot says it all. */
  readonly key: string;
  readonly value: string;
}

export function factContent(who: string, { slot, key, value }: FactValue): string {
  // By a function: `$&` in a value is two characters, not a pattern.
  return slots[slot].template.replace(/\{(who|value)\}|\{key\}( ?)/g, (place, _, space: string | undefined) =>
    place === '{who}' ? who : place === '{value}' ? value : key === '' ? '' : `${key}${space}`,
  );
}

/** Values that differ in case, space or the punctuation around them are one value. */
export function normalValue(value: string): string {
  return value
    .normalize('NFKC')
    .toLowerCase()
    .replace(/^[\s\p{P}]+|[\s\p{P}]+$/gu, '')
    .replace(/\s+/g, ' ');
}
