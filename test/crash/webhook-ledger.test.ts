// The ledger finds what it is for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebhookLedger } from './webhook-ledger.js';

function ledgerOf(count: number): WebhookLedger {
  const ledger = new WebhookLedger();
  for (let number = 0; number < count; number++) ledger.sent({ id: `m${number}`, from: 'a', to: 'b', number });
  return ledger;
}

function push(ledger: WebhookLedger, id: string, seq: number): void {
  ledger.came(id);
  ledger.taken(id);
  ledger.delivered({ seq, id, method: 'push' });
}

const kinds = (ledger: WebhookLedger): string[] => ledger.findings().map(({ kind }) => kind);

test('finds nothing in a run as it should be', () => {
  const ledger = ledgerOf(3);
  ledger.came('m0'); // Its answer was lost.
  push(ledger, 'm0', 1);
  ledger.pulled('m1');
  ledger.delivered({ seq: 3, id: 'm1', method: 'pull' });
  push(ledger, 'm2', 2);
  assert.deepEqual(kinds(ledger), []);
});

test('finds what is lost, also where the event log says that it is not', () => {
  const ledger = ledgerOf(2);
  ledger.delivered({ seq: 1, id: 'm0', method: 'push' });
  assert.deepEqual(kinds(ledger), ['lost', 'lost']);
});

test('finds what is delivered twice, pushed again, swapped, or from nowhere', () => {
  const ledger = ledgerOf(2);
  push(ledger, 'm1', 1);
  push(ledger, 'm0', 2);
  push(ledger, 'm0', 3);
  push(ledger, 'm9', 4);
  assert.deepEqual(kinds(ledger), ['pushed again', 'reordered', 'twice', 'unknown']);
});
