import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzzMessages } from './fuzz-messages.ts';

const COUNT = 40_000;
const SEED = 20_261_121;

it(`${COUNT} mutated frames of all messages are read or refused, in bounded memory`, async () => {
  const { refused, read, failures } = await fuzzMessages(COUNT, SEED);
  assert.deepEqual(failures.slice(0, 5), []);
  assert.equal(refused + read, COUNT);
  assert.ok(
    refused > COUNT / 10 && read > COUNT / 10,
    `${refused} refused, ${read} read: the mutations are lopsided`,
  );
});
