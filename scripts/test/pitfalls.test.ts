// Behaviours that clients rely on and that other brokers got wrong are numbered from 1 to 196. A test of one is
// named after it: `pitfall 12: ...`, `pitfalls 12 and 13: ...`, `pitfalls 12 to 14: ...`. Each number has a test,
// or stands here with the reason why it has none yet.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const COUNT = 196;
const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const TEST_NAME = /\b(?:test|it)\(\s*['"`]pitfalls? ([\d, and to]+):/g;
const GROUP_NAME = /\b(?:describe|suite)\('pitfalls? ([\d, and to]+)/g;

const SECURITY = 'authentication and access control are not served yet';
const TRANSACTIONS = 'transactions are not served yet';

/** From, to, why. docs/COMPATIBILITY.md says what is not served. */
const UNTESTED: readonly (readonly [number, number, string])[] = [
  [12, 12, SECURITY],
  [21, 31, SECURITY],
  [91, 91, 'quotas are not served yet: no answer is throttled'],
  [148, 148, 'the consumer group protocol of KIP-848 is not served yet'],
  [149, 149, 'share groups are not served yet'],
  [151, 160, TRANSACTIONS],
  [178, 178, SECURITY],
  [192, 192, 'quotas are not served yet: no answer is throttled'],
];

function testedNumbers(): Set<number> {
  const tested = new Set<number>();
  for (const folder of testFolders()) {
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.test.ts')) continue;
      const source = readFileSync(join(folder, entry), 'utf8');
      for (const pattern of [TEST_NAME, GROUP_NAME]) {
        for (const [, numbers] of source.matchAll(pattern)) for (const n of expand(numbers!)) tested.add(n);
      }
    }
  }
  return tested;
}

function testFolders(): string[] {
  const packages = join(PROJECT, 'packages');
  return readdirSync(packages).map((name) => join(packages, name, 'test'));
}

/** `1, 2 and 5 to 7` */
function expand(numbers: string): number[] {
  return numbers.split(/,| and /).flatMap((part) => {
    const [first, last = first] = part.split(' to ').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

test('every pitfall has a test named after it, or a reason why it has none yet', () => {
  const tested = testedNumbers();
  const untested = new Set(UNTESTED.flatMap(([first, last]) => expand(`${first} to ${last}`)));
  const all = expand(`1 to ${COUNT}`);
  assert.deepEqual(
    all.filter((n) => !tested.has(n) && !untested.has(n)),
    [],
    'neither tested nor excused',
  );
  assert.deepEqual(
    all.filter((n) => tested.has(n) && untested.has(n)),
    [],
    'tested and excused',
  );
});
