// Weights
//
// Every number that ranking goes by. What each brings is in docs/decisions/0022-recall.md, measured by the bench
// `recall/conversations`; change one only with that table.

export interface Weights {
  /** BM25: how soon a repeated term stops counting, how much a long text is held back, how much rare terms are worth. */
  readonly saturation: number;
  readonly lengthShare: number;
  readonly rarityPower: number;
  /** Terms of a speaker's name when the task names the speaker: that is told by who speaks, not by what is said. */
  readonly nameTerm: number;
  /** What a speaker that the task names gains on what they said, as a share of its score. */
  readonly namedSpeaker: number;
  /** What a word is worth that stands for one of the task, and how much of its commonness the concept takes over. */
  readonly standIn: number;
  readonly standInCommonness: number;
  /** Terms of the turns around a turn: of the one before (and when that asks something), of those before it, of the next. */
  readonly before: number;
  readonly beforeAsking: number;
  readonly secondBefore: number;
  readonly thirdBefore: number;
  readonly next: number;
  /** Of the mean of a session's three best turns. */
  readonly session: number;
  /** Said on a day that the task names; within `dateLagDays` after it, that share. */
  readonly date: number;
  readonly dateAfter: number;
  readonly dateLagDays: number;
  readonly yearOnly: number;
  /** A turn with words of time when the task asks for one. */
  readonly timeWord: number;
  /** Per doubling of a text's terms: short ones say little. */
  readonly substance: number;
  /** The vector's share of relevance, and what it takes from the next turn and from a named speaker. */
  readonly vector: number;
  readonly vectorNext: number;
  readonly vectorSpeaker: number;
  /** Beside relevance, which is at most about 1. */
  readonly kind: Readonly<
    Record<'episode' | 'profile_fact' | 'procedure' | 'episode_summary' | 'artifact_ref', number>
  >;
  readonly recency: number;
  readonly recencyDays: number;
  readonly notYetValid: number;
  readonly currentSession: number;
  readonly resolvedSession: number;
  readonly openIssue: number;
  readonly actionStep: number;
  readonly urgency: number;
  readonly chatter: number;
  readonly repeatIssue: number;
}

export const WEIGHTS: Weights = {
  saturation: 0.7,
  lengthShare: 0.4,
  rarityPower: 1.1,
  nameTerm: 0.1,
  namedSpeaker: 1.2,
  standIn: 0.25,
  standInCommonness: 0.25,
  before: 0.1,
  beforeAsking: 0.7,
  secondBefore: 0.3,
  thirdBefore: 0.1,
  next: 0.25,
  session: 0.2,
  date: 0.45,
  dateAfter: 0.9,
  dateLagDays: 24,
  yearOnly: 0.3,
  timeWord: 0.1,
  substance: 0.02,
  vector: 0.5,
  vectorNext: 0.2,
  vectorSpeaker: 0.1,
  kind: { episode: 0, profile_fact: 0.1, procedure: 0.08, episode_summary: -0.02, artifact_ref: 0 },
  recency: 0.02,
  recencyDays: 30,
  notYetValid: -0.3,
  currentSession: 0.15,
  resolvedSession: -0.05,
  openIssue: 0.05,
  actionStep: 0.01,
  urgency: 0.01,
  chatter: -0.05,
  repeatIssue: 0.04,
};
