// Bugs that the established Kafka clients had are catalogued in rows A1 to K6. A test of our client is named after its
// row: `client pitfall A6: ...`, or with `(client pitfall A6)` at the end. Each row has a test, or stands here with the
// reason why not.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROWS = { A: 33, B: 25, C: 25, D: 31, E: 15, F: 9, G: 8, H: 8, I: 7, J: 13, K: 6 } as const;
const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const NAMED = /client pitfalls? ((?:[A-K]\d+(?:, | and )?)+)/g;

const UNTESTED: Readonly<Record<string, string>> = {
  A1: 'names are resolved by the system with every connection (ports/sockets.ts); its walk over addresses is Node’s',
  A2: 'the same: which of several addresses is dialled first is the system’s',
  A3: 'the limit per address is set in adapters/node-environment.ts; a slow route cannot be had on one machine',
  A5: 'shown with real listeners by interop/security: by name, by address, a foreign name, a foreign authority',
  A9: 'there is no event for all brokers being down; every request tries all of them',
  B6: 'no buffer is used twice: every batch is encoded into one of its own, which the collector frees',
  B10: 'attempts are not counted; deliveryTimeoutMs is the one limit (B12)',
  C2: 'wrapping is incrementSequence of packages/protocol, with its own test',
  C7: 'id, epoch and sequence are taken in one synchronous step (PartitionQueue.freeze); nothing can come between',
  D15: 'documented as a known limit in docs/client.md',
  D16: 'each partition is looked up by itself with its own object: a later one is never in an earlier round',
  D26: 'shown by the fuzzing of packages/protocol, which decodes for the client',
  D27: 'shown by the corpus of packages/protocol',
  D30: 'shown by the records of packages/protocol',
  I7: 'only incremental changes are offered',
  J5: 'names are resolved once per connection; codecs run in the loop, batch by batch',
  J12: 'documented: records are views, copy what is kept',
  K1: '64-bit values are numbers; what is beyond 2^53 is refused on reading (docs/ARCHITECTURE.md)',
  K2: 'calls have deadlines and no AbortSignal',
};

function allRows(): string[] {
  return Object.entries(ROWS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
  );
}

function testedRows(): Set<string> {
  const tested = new Set<string>();
  const packages = join(PROJECT, 'packages');
  for (const name of readdirSync(packages)) {
    for (const entry of readdirSync(join(packages, name, 'test'), { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.test.ts')) continue;
      const source = readFileSync(join(packages, name, 'test', entry), 'utf8');
      for (const [, rows] of source.matchAll(NAMED))
        for (const row of rows!.split(/, | and /)) tested.add(row);
    }
  }
  return tested;
}

test('every pitfall of clients has a test named after it, or a reason why it has none', () => {
  const tested = testedRows();
  const all = allRows();
  assert.equal(all.length, 180);
  assert.deepEqual(
    all.filter((row) => !tested.has(row) && UNTESTED[row] === undefined),
    [],
    'neither tested nor excused',
  );
  assert.deepEqual(
    all.filter((row) => tested.has(row) && UNTESTED[row] !== undefined),
    [],
    'tested and excused',
  );
  assert.deepEqual(
    [...tested, ...Object.keys(UNTESTED)].filter((row) => !all.includes(row)),
    [],
    'no such row',
  );
});
