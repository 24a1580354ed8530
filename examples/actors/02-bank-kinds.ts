// Accounts that send each other money, so that every transfer arrives exactly once, whatever dies.
//
// A turn is atomic, but it is the turn of one actor: the withdrawal and the deposit are two turns. What a turn tells
// leaves after its commit, and a tell lives in memory: when the process dies between the two, the money has left one
// account and never reaches the other. So a transfer is
//
//   1. written down: the withdrawal and an entry in `outbox` are one commit, and so is the reminder to look at it again;
//   2. told again and again, until the other account says that it arrived: a reminder outlives the process;
//   3. deposited once: the other account remembers the numbers that it has had, in the commit of the deposit.
//
// Numbers rise, and each deposit says which is the oldest that may still come. What is older need not be remembered, so
// that the memory of an account does not grow with its history.

import { actor, type Context, protocol, refuse } from 'troupe';

/** What every account begins with. */
export const OPENING_BALANCE = 1000;
/** An entry that was not confirmed for so long is told again. */
const RETRY_MS = 500;
/** One turn in so many fails, and one confirmation is lost, to show that it does no harm. */
const FAULTS_EVERY = 25;

interface Transfer {
  readonly number: number;
  readonly to: string;
  readonly amount: number;
}

/** What an account has had from another one: everything below `oldest`, and `numbers`. */
interface Received {
  readonly oldest: number;
  readonly numbers: readonly number[];
}

interface Account {
  balance: number;
  lastNumber: number;
  outbox: Transfer[];
  received: Record<string, Received>;
}

// A type, not an interface that extends Messages: that would let any other name pass too.
type AccountMessages = {
  transfer: { args: { to: string; amount: number }; reply: number };
  deposit: { args: { number: number; amount: number; oldest: number }; reply: null };
  arrived: { args: number; reply: null };
  tellAgain: { args: undefined; reply: null };
  look: { args: undefined; reply: { balance: number; underWay: number } };
};

const said = protocol<AccountMessages>('account', ['transfer', 'deposit', 'arrived', 'tellAgain', 'look']);

export const account = actor<Account, AccountMessages>({
  protocol: said,
  persistence: 'state',
  state: () => ({ balance: OPENING_BALANCE, lastNumber: 0, outbox: [], received: {} }),
  messages: {
    transfer(context, { to, amount }) {
      const { state } = context;
      if (amount > state.balance) return refuse('CONFLICT', { reason: `the balance is ${state.balance}` });
      state.balance -= amount;
      state.outbox.push({ number: ++state.lastNumber, to, amount });
      sendOutbox(context, state.outbox.slice(-1));
      mayFail(context);
      return state.balance;
    },
    deposit(context, { number, amount, oldest }) {
      const { state, sender } = context;
      if (sender === undefined) return refuse('FORBIDDEN', { reason: 'deposits come from accounts' });
      const before = state.received[sender.key] ?? { oldest: 0, numbers: [] };
      if (number >= before.oldest && !before.numbers.includes(number)) state.balance += amount;
      const from = Math.max(before.oldest, oldest);
      const numbers = [...new Set([...before.numbers, number])].filter((each) => each >= from);
      state.received[sender.key] = { oldest: from, numbers };
      // As if the process had died behind the commit: then the deposit is told again, and must not be taken again.
      const isLost = isUnlucky(context);
      if (!isLost) context.tell(said, sender.key, 'arrived', number);
      mayFail(context);
      return null;
    },
    arrived(context, number) {
      const { state } = context;
      state.outbox = state.outbox.filter((entry) => entry.number !== number);
      if (state.outbox.length === 0) context.forget('tell again');
      return null;
    },
    tellAgain(context) {
      sendOutbox(context, context.state.outbox);
      return null;
    },
    look: ({ state }) => ({ balance: state.balance, underWay: state.outbox.length }),
  },
});

function sendOutbox(context: Context<Account, AccountMessages>, entries: readonly Transfer[]): void {
  const oldest = context.state.outbox[0]?.number;
  if (oldest === undefined) return;
  for (const { number, to, amount } of entries) context.tell(said, to, 'deposit', { number, amount, oldest });
  context.remind('tell again', context.now + RETRY_MS, 'tellAgain', undefined);
}

/** A bug, after everything was done: none of it happened. */
function mayFail(context: Context<Account, AccountMessages>): void {
  if (isUnlucky(context)) throw new Error('a bug that shows now and then');
}

function isUnlucky(context: Context<Account, AccountMessages>): boolean {
  return context.random() * FAULTS_EVERY < 1;
}
