import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cluster, Consumer, GroupConsumer, Producer, type GroupConsumerOptions } from '../src/index.ts';
import { nearestName, pickOptions } from '../src/options.ts';
import { PRODUCER_OPTION_NAMES } from '../src/producer/producer-options.ts';

const bootstrapServers = '127.0.0.1:1';
const member = { bootstrapServers, groupId: 'g', topics: ['t'] };

function refused(make: () => unknown, message: RegExp): void {
  assert.throws(make, { name: 'ClientError', code: 'BAD_OPTION', message });
}

test('an option that does not exist is refused by every client, with the name that was meant', () => {
  const slips = <T extends object>(more: T): { bootstrapServers: string } => ({ bootstrapServers, ...more });
  refused(() => new Producer(slips({ lingerMS: 5 })), /a producer has no option "lingerMS": .*"lingerMs"/);
  refused(() => new Producer(slips({ 'linger.ms': 5 })), /did you mean "lingerMs"\?/);
  refused(() => new Producer(slips({ 'batch.size': 5 })), /did you mean "batchSizeBytes"\?/);
  refused(() => new Consumer(slips({ fetchMinByte: 5 })), /did you mean "fetchMinBytes"\?/);
  refused(() => new Cluster(slips({ clientid: 'x' })), /did you mean "clientId"\?/);
  refused(
    () => new GroupConsumer({ ...member, sesionTimeoutMs: 5 } as GroupConsumerOptions),
    /did you mean "sessionTimeoutMs"\?/,
  );
  refused(() => new Producer(slips({ colour: 'red' })), /has no option "colour": there are acks, /);
  refused(() => new Producer(slips({ constructor: 1 })), /has no option "constructor"/);
});

test('a value that makes no sense is refused, with what is allowed', () => {
  refused(
    () => new Producer({ bootstrapServers, lingerMs: -1 }),
    /lingerMs is -1, allowed are whole numbers from 0 on/,
  );
  refused(() => new Producer({ bootstrapServers, acks: 2 as never }), /acks is 2, allowed are -1, 0, 1/);
  refused(
    () => new Producer({ bootstrapServers, compression: 'br' as never }),
    /compression is "br", .*zstd/,
  );
  refused(
    () => new Cluster({ bootstrapServers, metadataRecoveryStrategy: 'always' as never }),
    /metadataRecoveryStrategy is "always", allowed are rebootstrap, none/,
  );
  refused(() => new Cluster({ bootstrapServers, requestTimeoutMs: NaN }), /requestTimeoutMs is NaN/);
  refused(() => new Consumer({ bootstrapServers, offsetReset: 'first' as never }), /offsetReset is "first"/);
  refused(() => new Consumer({ bootstrapServers, maxPollRecords: 0 }), /maxPollRecords is 0/);
  refused(() => new GroupConsumer({ ...member, maxPollIntervalMs: 0.5 }), /maxPollIntervalMs is 0.5/);
});

test('every name is nearest to itself, also with one character too many', () => {
  const names = Object.keys(PRODUCER_OPTION_NAMES);
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat(), fc.constantFrom('x', '_', 'Q'), (name, at, extra) => {
      const place = at % (name.length + 1);
      assert.equal(nearestName(name, names), name);
      assert.equal(nearestName(name.slice(0, place) + extra + name.slice(place), names), name);
    }),
  );
  assert.equal(nearestName('x'.repeat(1_000_000), names), null);
});

test('what is picked has no other names', () => {
  assert.deepEqual(pickOptions({ a: 1, b: undefined, c: 3 }, { a: true, b: true }), { a: 1, b: undefined });
});
