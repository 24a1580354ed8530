// The process that is killed in lesson 2. It asks for every transfer, from the first one on, also when it is started
// again: it cannot know which of them happened. An idempotency key lets each happen once.

import { type ActorSystem, CodedError, createLog, createSystem } from 'troupe';
import { account, OPENING_BALANCE } from './02-bank-kinds.js';

const ACCOUNTS = 10_000;
const AT_ONCE = 500;
const ATTEMPTS_MAX = 50;
const LOOK_AGAIN_MS = 100;
/** All is confirmed long before, or something is wrong. */
const SETTLED_WITHIN_MS = 30_000;

const [directory = '', transfersText = ''] = process.argv.slice(2);
const transfers = Number(transfersText);

/** The transfer of this number: always the same, so that the end can be computed. */
function transferOf(i: number): { from: number; to: number; amount: number } {
  const from = (i * 7919) % ACCOUNTS;
  return { from, to: (from + 1 + ((i * 104_729) % (ACCOUNTS - 1))) % ACCOUNTS, amount: 1 + (i % 9) };
}

/** Asks until it is answered: an error says that it failed, or that nobody knows. Both are asked again in the same way. */
async function transfer(system: ActorSystem, i: number): Promise<void> {
  const { from, to, amount } = transferOf(i);
  const idempotency = { scope: 'teller', key: `transfer ${i}`, fingerprint: `${from} ${to} ${amount}` };
  for (let attempt = 1; ; attempt++) {
    try {
      await system.ref(account, `${from}`).ask('transfer', { to: `${to}`, amount }, { idempotency });
      return;
    } catch (error) {
      const isAnswer = error instanceof CodedError && error.code === 'CONFLICT';
      if (isAnswer || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function lookAtAll(system: ActorSystem): Promise<{ balances: number[]; underWay: number }> {
  const balances: number[] = [];
  let underWay = 0;
  for (let first = 0; first < ACCOUNTS; first += AT_ONCE) {
    const keys = Array.from({ length: AT_ONCE }, (_, i) => `${first + i}`);
    for (const seen of await Promise.all(keys.map((key) => system.ref(account, key).ask('look')))) {
      balances.push(seen.balance);
      underWay += seen.underWay;
    }
  }
  return { balances, underWay };
}

const system = await createSystem({
  kinds: [new URL('./02-bank-kinds.js', import.meta.url)],
  directory,
  log: createLog({ level: 'error' }),
});
console.log(`found ${(await lookAtAll(system)).underWay} transfers under way`);

for (let first = 0; first < transfers; first += AT_ONCE) {
  const last = Math.min(first + AT_ONCE, transfers);
  await Promise.all(Array.from({ length: last - first }, (_, i) => transfer(system, first + i)));
  console.log(`asked ${last}`);
}

const deadline = Date.now() + SETTLED_WITHIN_MS;
let end = await lookAtAll(system);
while (end.underWay > 0 && Date.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  end = await lookAtAll(system);
}
const expected = new Array<number>(ACCOUNTS).fill(OPENING_BALANCE);
for (let i = 0; i < transfers; i++) {
  const { from, to, amount } = transferOf(i);
  expected[from] = expected[from]! - amount;
  expected[to] = expected[to]! + amount;
}
const wrong = end.balances.filter((balance, key) => balance !== expected[key]).length;
console.log(`money in all accounts: ${end.balances.reduce((sum, balance) => sum + balance, 0)}`);
console.log(`accounts with another balance than they should have: ${wrong}`);
await system.stop();
