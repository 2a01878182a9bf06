import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBootstrapServers } from '../../src/cluster/bootstrap-address.ts';

const GOOD: readonly (readonly [string, readonly (readonly [string, number])[]])[] = [
  ['localhost:9093', [['localhost', 9093]]],
  ['localhost', [['localhost', 9092]]],
  ['10.0.0.1:1', [['10.0.0.1', 1]]],
  ['[::1]:65535', [['::1', 65535]]],
  ['[fe80::1]', [['fe80::1', 9092]]],
  ['::1', [['::1', 9092]]],
  [
    ' a:1, b:2 ,',
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
];

for (const [text, expected] of GOOD) {
  test(`client pitfall A4: "${text}" is understood`, () => {
    assert.deepEqual(
      parseBootstrapServers(text).map(({ host, port }) => [host, port]),
      expected,
    );
  });
}

for (const text of ['', ' , ', ':9092', 'a:', 'a:0', 'a:70000', 'a:x', 'a:-1', '[::1]:99999']) {
  test(`client pitfall A4: "${text}" is refused`, () => {
    assert.throws(() => parseBootstrapServers(text), {
      code: 'BAD_ADDRESS',
      message: /expected is host:port/,
    });
  });
}
