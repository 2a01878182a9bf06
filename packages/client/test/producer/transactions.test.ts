import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { addPartitionsToTxnApi } from '@odradek/protocol/generated/apis/add-partitions-to-txn.ts';
import { endTxnApi } from '@odradek/protocol/generated/apis/end-txn.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { txnOffsetCommitApi } from '@odradek/protocol/generated/apis/txn-offset-commit.ts';
import {
  ClientError,
  ProducerFencedError,
  TransactionError,
  TransactionTimeoutError,
  type TransactionRecovery,
} from '../../src/errors.ts';
import type { ProducerOptions } from '../../src/producer/producer-options.ts';
import { Producer } from '../../src/producer/producer.ts';
import { CUT, SILENCE, ScriptedBroker } from '../support/scripted-broker.ts';
import { ScriptedTransactions, type Mishap } from '../support/scripted-transactions.ts';

const GROUP = { groupId: 'g', memberId: 'm', generationId: 3, instanceId: null };
const OFFSETS = [{ topic: 'in', partition: 0, offset: 5 }];

let broker: ScriptedBroker;
let producers: Producer[];

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  producers = [];
});

afterEach(async () => {
  await Promise.all(producers.map((producer) => producer.close(0)));
  await broker.close();
});

function producerOf(options: Partial<ProducerOptions> = {}): Producer {
  const producer = new Producer({
    bootstrapServers: broker.bootstrapServers,
    transactionalId: 'tx',
    lingerMs: 0,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 10,
    ...options,
  });
  producers.push(producer);
  return producer;
}

async function initialised(options: Partial<ProducerOptions> = {}): Promise<Producer> {
  const producer = producerOf(options);
  await producer.initTransactions();
  return producer;
}

function send(producer: Producer, partition = 0): Promise<unknown> {
  return producer.send({ topic: 't', partition, value: Buffer.from('v') });
}

/** As those do who never look at the promise. */
function sendBlindly(producer: Producer, partition = 0): void {
  send(producer, partition).catch(() => undefined);
}

function isFailure(recovery: TransactionRecovery): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TransactionError, String(error));
    assert.equal(error.recovery, recovery, error.message);
    return true;
  };
}

function isState(error: unknown): boolean {
  return error instanceof ClientError && error.code === 'TRANSACTION_STATE';
}

test('before version 2 of transactions the coordinator learns of each partition before its first record', async () => {
  const brokers = ScriptedTransactions.over(broker, 1);
  const producer = await initialised();
  await producer.transact(async () => {
    await Promise.all([send(producer, 0), send(producer, 1)]);
    await send(producer, 0);
    await producer.sendOffsets(GROUP, OFFSETS);
  });
  await producer.transact(async () => void (await send(producer, 1)));
  assert.deepEqual(brokers.log, [
    'init 0',
    'add t-0',
    'add t-1',
    'write t-0',
    'write t-1',
    'write t-0',
    'offsets g',
    'commit offsets g',
    'commit',
    'add t-1',
    'write t-1',
    'commit',
  ]);
  assert.ok(brokers.batches.every(({ isTransactional }) => isTransactional));
  assert.ok(broker.requests.filter(({ name }) => name === 'Produce').every(({ version }) => version <= 11));
  assert.deepEqual(broker.bodies(produceApi)[0]!.transactionalId, 'tx');
  const [{ memberId, generationIdOrMemberEpoch }] = broker.bodies(txnOffsetCommitApi) as [never];
  assert.deepEqual([memberId, generationIdOrMemberEpoch], ['m', 3]);
});

test('client pitfall C18: version 2 only where the cluster agreed on it, looked at anew by each transaction', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = await initialised();
  await producer.transact(async () => {
    await send(producer, 0);
    await producer.sendOffsets(GROUP, OFFSETS);
  });
  assert.deepEqual(brokers.log, ['init 0', 'write t-0', 'commit offsets g', 'commit']);
  broker.transactionVersion = 1;
  broker.cutAll();
  // The connections that tell of it are made by the first of these.
  await producer.transact(async () => void (await send(producer, 0)));
  await producer.transact(async () => void (await send(producer, 0)));
  assert.equal(brokers.log.at(-3), 'add t-0');
});

test('in version 2 each transaction has the epoch that the end of the last brought, and sequences from 0', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = await initialised();
  for (let i = 0; i < 3; i++) {
    await producer.transact(async () => {
      await send(producer, 0);
      await send(producer, 0);
    });
  }
  assert.deepEqual(
    brokers.batches.map(({ producerEpoch, baseSequence }) => [producerEpoch, baseSequence]),
    [0, 1, 2].flatMap((epoch) => [
      [epoch, 0],
      [epoch, 1],
    ]),
  );
});

for (const version of [1, 2] as const) {
  test(`client pitfall C14: version ${version}: a commit is refused when a record was not written, seen or not`, async () => {
    const brokers = ScriptedTransactions.over(broker, version);
    const producer = await initialised();
    producer.beginTransaction();
    for (let i = 0; i < 5; i++) await send(producer);
    brokers.next('write', ErrorCode.INVALID_RECORD);
    sendBlindly(producer);
    await assert.rejects(producer.commitTransaction(), isFailure('abort'));
    await assert.rejects(send(producer), isFailure('abort'));
    assert.equal(brokers.log.includes('commit'), false);
    await producer.abortTransaction();
    assert.equal(brokers.log.at(-1), 'abort');
    await producer.transact(async () => void (await send(producer)));
    assert.equal(brokers.log.at(-1), 'commit');
  });

  test(`client pitfall C16: version ${version}: an empty transaction ends without a word, a full one after it works`, async () => {
    const brokers = ScriptedTransactions.over(broker, version);
    const producer = await initialised();
    producer.beginTransaction();
    await producer.commitTransaction();
    producer.beginTransaction();
    await producer.abortTransaction();
    assert.deepEqual(brokers.log, ['init 0']);
    await producer.transact(async () => void (await send(producer)));
    assert.equal(brokers.log.at(-1), 'commit');
    brokers.next('write', ErrorCode.INVALID_RECORD);
    producer.beginTransaction();
    await assert.rejects(send(producer));
    await producer.abortTransaction();
    assert.equal(brokers.log.at(-1), 'abort', 'brokers may know of a transaction whose records all failed');
  });

  test(`client pitfall C23: version ${version}: an end that nobody confirmed is no commit`, async () => {
    const brokers = ScriptedTransactions.over(broker, version);
    const producer = await initialised();
    brokers.next('end', ErrorCode.UNKNOWN_SERVER_ERROR);
    producer.beginTransaction();
    await send(producer);
    await assert.rejects(producer.commitTransaction(), isFailure('restart'));
    await assert.rejects(producer.abortTransaction(), isFailure('restart'));
  });

  test(`client pitfall C19: version ${version}: an end without an answer is asked for again, unchanged`, async () => {
    const brokers = ScriptedTransactions.over(broker, version);
    const producer = await initialised();
    brokers.next('end', CUT, CUT);
    await producer.transact(async () => void (await send(producer)));
    const ends = broker.bodies(endTxnApi);
    assert.equal(ends.length, 3);
    for (const end of ends) assert.deepEqual(end, ends[0]);
    await producer.transact(async () => void (await send(producer)));
    assert.equal(brokers.batches.at(-1)!.producerEpoch, version === 2 ? 1 : 0);
  });

  test(`client pitfall C17: version ${version}: "another transaction is still being ended" is waited out`, async () => {
    const brokers = ScriptedTransactions.over(broker, version);
    const producer = await initialised();
    const busy = Array.from({ length: 5 }, () => ErrorCode.CONCURRENT_TRANSACTIONS);
    brokers.next(version === 1 ? 'add' : 'write', ...busy);
    brokers.next('end', ...busy);
    await producer.transact(async () => void (await send(producer)));
    assert.equal(brokers.log.at(-1), 'commit');
  });
}

test('a commit whose outcome is unknown is settled by the same call and no other', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = await initialised({ maxBlockMs: 100, requestTimeoutMs: 30 });
  brokers.next('end', ...Array.from({ length: 20 }, (): Mishap => SILENCE));
  producer.beginTransaction();
  await send(producer);
  await assert.rejects(producer.commitTransaction(), TransactionTimeoutError);
  assert.throws(() => producer.beginTransaction(), isState);
  await assert.rejects(producer.abortTransaction(), isState);
  await assert.rejects(send(producer), isState);
  brokers.next('end');
  await producer.commitTransaction();
  assert.equal(brokers.log.at(-1), 'commit');
  await producer.transact(async () => void (await send(producer)));
});

test('client pitfall C15: records that never reached a broker keep the transaction from being committed', async () => {
  const brokers = ScriptedTransactions.over(broker, 1);
  const producer = await initialised({ deliveryTimeoutMs: 80 });
  brokers.next('add', ...Array.from({ length: 50 }, () => ErrorCode.COORDINATOR_NOT_AVAILABLE));
  producer.beginTransaction();
  sendBlindly(producer);
  await assert.rejects(producer.commitTransaction(), isFailure('abort'));
  assert.equal(brokers.log.includes('commit'), false);
  brokers.next('add');
  await producer.abortTransaction();
  await producer.transact(async () => void (await send(producer)));
});

test('client pitfall C13: lost sequence numbers within a transaction: it is aborted, nothing goes on under a new epoch', async () => {
  const brokers = ScriptedTransactions.over(broker, 1);
  const producer = await initialised();
  producer.beginTransaction();
  await send(producer);
  brokers.next('write', ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  await assert.rejects(send(producer));
  assert.equal(broker.bodies(initProducerIdApi).length, 1);
  await assert.rejects(producer.commitTransaction(), isFailure('abort'));
  await producer.abortTransaction();
  assert.deepEqual(brokers.log.slice(-2), ['abort', 'init 1'], 'the new epoch comes after the abort');
  const [, again] = broker.bodies(initProducerIdApi);
  assert.deepEqual([again!.producerId, again!.producerEpoch], [7, 0]);
  await producer.transact(async () => void (await send(producer)));
  const { producerEpoch, baseSequence } = brokers.batches.at(-1)!;
  assert.deepEqual([producerEpoch, baseSequence], [1, 0]);
});

test('client pitfall C20: epoch and id are what the coordinator says, also when both change', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  brokers.epoch = 32_765;
  const producer = await initialised();
  await producer.transact(async () => {
    await send(producer);
    brokers.producerId = 8;
    brokers.epoch = -1;
  });
  await producer.transact(async () => void (await send(producer)));
  const { producerId, producerEpoch, baseSequence } = brokers.batches.at(-1)!;
  assert.deepEqual([producerId, producerEpoch, baseSequence], [8, 0, 0]);
});

test('client pitfall C12: a coordinator that moves, loads or is busy delays initTransactions, no more', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  brokers.next(
    'init',
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.CONCURRENT_TRANSACTIONS,
    CUT,
  );
  const producer = await initialised();
  assert.ok(broker.bodies(findCoordinatorApi).length >= 3, 'looked for anew');
  await producer.transact(async () => void (await send(producer)));
});

test('initTransactions that ran out of time can be called again', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  brokers.next('init', ...Array.from({ length: 50 }, () => ErrorCode.COORDINATOR_LOAD_IN_PROGRESS));
  const producer = producerOf({ maxBlockMs: 60 });
  await assert.rejects(producer.initTransactions(), { code: 'REQUEST_TIMEOUT' });
  brokers.next('init');
  await producer.initTransactions();
});

/** By API: what a code means for the transaction. */
const MEANINGS: readonly (readonly [
  'init' | 'add' | 'commit offsets' | 'write' | 'end',
  number,
  TransactionRecovery,
])[] = [
  ['add', ErrorCode.PRODUCER_FENCED, 'restart'],
  ['add', ErrorCode.INVALID_PRODUCER_EPOCH, 'restart'],
  ['add', ErrorCode.TRANSACTION_ABORTABLE, 'abort'],
  ['add', ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'abort'],
  ['add', ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'none'],
  ['add', ErrorCode.INVALID_TXN_STATE, 'restart'],
  ['write', ErrorCode.PRODUCER_FENCED, 'restart'],
  ['write', ErrorCode.INVALID_PRODUCER_EPOCH, 'abort'],
  ['write', ErrorCode.TRANSACTION_ABORTABLE, 'abort'],
  ['write', ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'none'],
  ['commit offsets', ErrorCode.PRODUCER_FENCED, 'restart'],
  ['commit offsets', ErrorCode.INVALID_PRODUCER_EPOCH, 'restart'],
  ['commit offsets', ErrorCode.TRANSACTION_ABORTABLE, 'abort'],
  ['commit offsets', ErrorCode.ILLEGAL_GENERATION, 'abort'],
  ['commit offsets', ErrorCode.UNKNOWN_MEMBER_ID, 'abort'],
  ['commit offsets', ErrorCode.FENCED_INSTANCE_ID, 'abort'],
  ['commit offsets', ErrorCode.GROUP_AUTHORIZATION_FAILED, 'abort'],
  ['end', ErrorCode.PRODUCER_FENCED, 'restart'],
  ['end', ErrorCode.INVALID_PRODUCER_EPOCH, 'restart'],
  ['end', ErrorCode.TRANSACTION_ABORTABLE, 'abort'],
  ['end', ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'none'],
  ['end', ErrorCode.INVALID_TXN_STATE, 'restart'],
];

test('client pitfall C21: what each code means for the transaction, by the API that said it', async () => {
  for (const [api, code, recovery] of MEANINGS) {
    const brokers = ScriptedTransactions.over(broker, api === 'add' ? 1 : 2);
    broker.cutAll();
    const producer = await initialised();
    brokers.next(api, code);
    producer.beginTransaction();
    const work = send(producer).then(() => producer.sendOffsets(GROUP, OFFSETS));
    const end = work.then(() => producer.commitTransaction());
    await end.catch(() => undefined);
    const label = `${api} ${new KafkaError(code).codeName}`;
    if (recovery === 'abort') {
      await assert.rejects(producer.commitTransaction(), isFailure('abort'), label);
      await producer.abortTransaction();
      await producer.transact(async () => void (await send(producer)));
    } else {
      await assert.rejects(producer.abortTransaction(), isFailure(recovery), label);
      await assert.rejects(send(producer), isFailure(recovery), label);
    }
    const isFenced = code === ErrorCode.PRODUCER_FENCED;
    if (isFenced) await assert.rejects(producer.commitTransaction(), ProducerFencedError, label);
    await producer.close(0);
  }
});

test('client pitfall C21: "abortable" in answer to an abort means that there is no way on', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = await initialised();
  producer.beginTransaction();
  await send(producer);
  brokers.next('end', ErrorCode.TRANSACTION_ABORTABLE);
  await assert.rejects(producer.abortTransaction(), isFailure('restart'));
});

test('client pitfall C22: an abort drops what was not sent, waits for what was, and leaves nothing to the next', async () => {
  const brokers = ScriptedTransactions.over(broker, 1);
  const producer = await initialised({ lingerMs: 10_000 });
  producer.beginTransaction();
  const unsent = send(producer, 0);
  const outcome = assert.rejects(unsent, { code: 'ABORTED' });
  await producer.abortTransaction();
  await outcome;
  assert.deepEqual(brokers.log, ['init 0']);
  await producer.transact(async () => void send(producer, 1));
  assert.deepEqual(brokers.log, ['init 0', 'add t-1', 'write t-1', 'commit']);
});

test('client pitfall C22: fenced: everything pending fails with the reason, and close does not hang', async () => {
  const brokers = ScriptedTransactions.over(broker, 1);
  const producer = await initialised();
  producer.beginTransaction();
  brokers.next('add', ErrorCode.PRODUCER_FENCED);
  const sends = [0, 1, 0].map((partition) => assert.rejects(send(producer, partition), ProducerFencedError));
  await Promise.all(sends);
  await producer.close();
  assert.deepEqual(brokers.log, ['init 0']);
});

test('close aborts what is open', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = await initialised();
  producer.beginTransaction();
  await send(producer);
  await producer.close();
  assert.equal(brokers.log.at(-1), 'abort');
});

test('client pitfall C24: a group that went on: the transaction is aborted, what it wrote is not seen', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = await initialised();
  brokers.next('commit offsets', ErrorCode.ILLEGAL_GENERATION);
  const work = producer.transact(async () => {
    await send(producer);
    await producer.sendOffsets(GROUP, OFFSETS);
  });
  await assert.rejects(work, isFailure('abort'));
  assert.deepEqual(brokers.log, ['init 0', 'write t-0', 'abort']);
});

test('what work throws comes out of transact once the transaction is aborted', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = producerOf();
  const work = producer.transact(async () => {
    await send(producer);
    throw new RangeError('no');
  });
  await assert.rejects(work, RangeError);
  assert.equal(brokers.log.at(-1), 'abort');
  assert.equal(await producer.transact(() => Promise.resolve(5)), 5);
});

test('calls out of order are refused by name', async () => {
  const brokers = ScriptedTransactions.over(broker, 2);
  const producer = producerOf();
  assert.throws(() => producer.beginTransaction(), /initTransactions comes first/);
  await producer.initTransactions();
  await assert.rejects(producer.initTransactions(), isState);
  await assert.rejects(send(producer), isState);
  await assert.rejects(producer.commitTransaction(), isState);
  producer.beginTransaction();
  assert.throws(() => producer.beginTransaction(), isState);
  assert.equal(brokers.log.length, 1);
  const plain = new Producer({ bootstrapServers: broker.bootstrapServers });
  producers.push(plain);
  await assert.rejects(plain.initTransactions(), /has no transactionalId/);
});

test('client pitfall C11: options that contradict a transactional id are refused', () => {
  for (const options of [{ acks: 1 }, { acks: 0 }, { idempotent: false }, { transactionalId: '' }] as const) {
    assert.throws(() => producerOf(options), { code: 'BAD_OPTION' });
  }
});

test('one request tells the coordinator of all partitions that came up together', async () => {
  ScriptedTransactions.over(broker, 1);
  const producer = await initialised();
  await producer.transact(async () => void (await Promise.all([send(producer, 0), send(producer, 1)])));
  assert.equal(broker.bodies(addPartitionsToTxnApi).length, 1);
});
