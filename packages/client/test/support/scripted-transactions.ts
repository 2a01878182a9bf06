import { ErrorCode } from '@odradek/protocol/errors.ts';
import { addOffsetsToTxnApi } from '@odradek/protocol/generated/apis/add-offsets-to-txn.ts';
import { addPartitionsToTxnApi } from '@odradek/protocol/generated/apis/add-partitions-to-txn.ts';
import { endTxnApi } from '@odradek/protocol/generated/apis/end-txn.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { initProducerIdApi } from '@odradek/protocol/generated/apis/init-producer-id.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import { txnOffsetCommitApi } from '@odradek/protocol/generated/apis/txn-offset-commit.ts';
import { readBatchHeader, type BatchHeader } from '@odradek/protocol/records/batch-header.ts';
import { CUT, SILENCE, type ScriptedBroker } from './scripted-broker.ts';

/** A code to refuse with, or something that is no answer. */
export type Mishap = number | typeof CUT | typeof SILENCE;

/** A coordinator and leader in one that takes everything, but for the mishaps that a test has lined up per API. */
export class ScriptedTransactions {
  epoch = -1;
  producerId = 7;
  /** In order: `init 0`, `add t-0`, `write t-0`, `offsets g`, `commit offsets g`, `commit`, `abort`. */
  readonly log: string[] = [];
  readonly batches: BatchHeader[] = [];
  readonly mishaps = new Map<string, Mishap[]>();
  private readonly broker: ScriptedBroker;

  /** From now on the broker answers so. */
  static over(broker: ScriptedBroker, transactionVersion: 1 | 2): ScriptedTransactions {
    return new ScriptedTransactions(broker, transactionVersion);
  }

  private constructor(broker: ScriptedBroker, transactionVersion: 1 | 2) {
    this.broker = broker;
    broker.transactionVersion = transactionVersion;
    broker.on(findCoordinatorApi, ({ coordinatorKeys: [key = ''] }) => this.coordinator(key));
    broker.on(initProducerIdApi, () =>
      this.unlessMishap('init', (errorCode) => {
        if (errorCode === 0) this.log.push(`init ${++this.epoch}`);
        return { errorCode, producerId: this.producerId, producerEpoch: this.epoch };
      }),
    );
    broker.on(addPartitionsToTxnApi, ({ v3AndBelowTopics }) =>
      this.unlessMishap('add', (errorCode) => ({
        resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.map((partitionIndex) => {
            if (errorCode === 0) this.log.push(`add ${name}-${partitionIndex}`);
            return { partitionIndex, partitionErrorCode: errorCode };
          }),
        })),
      })),
    );
    broker.on(addOffsetsToTxnApi, ({ groupId }) =>
      this.unlessMishap('offsets', (errorCode) => {
        if (errorCode === 0) this.log.push(`offsets ${groupId}`);
        return { errorCode };
      }),
    );
    broker.on(txnOffsetCommitApi, ({ groupId, topics }) =>
      this.unlessMishap('commit offsets', (errorCode) => {
        if (errorCode === 0) this.log.push(`commit offsets ${groupId}`);
        return {
          topics: topics.map(({ name, partitions }) => ({
            name,
            partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
          })),
        };
      }),
    );
    broker.on(produceApi, ({ topicData }) =>
      this.unlessMishap('write', (errorCode) => ({
        responses: topicData.map(({ name, topicId, partitionData }) => ({
          name,
          topicId,
          partitionResponses: partitionData.map(({ index, records }) => {
            this.batches.push(readBatchHeader(records!, 0));
            if (errorCode === 0) this.log.push(`write t-${index}`);
            return { index, errorCode, baseOffset: errorCode === 0 ? 0 : -1 };
          }),
        })),
      })),
    );
    broker.on(endTxnApi, ({ committed }, version) =>
      this.unlessMishap('end', (errorCode) => {
        if (errorCode === 0) this.log.push(committed ? 'commit' : 'abort');
        if (errorCode === 0 && version >= 5) this.epoch++;
        return { errorCode, producerId: this.producerId, producerEpoch: this.epoch };
      }),
    );
  }

  /** The next requests of an API meet with these. */
  next(api: 'init' | 'add' | 'offsets' | 'commit offsets' | 'write' | 'end', ...mishaps: Mishap[]): void {
    this.mishaps.set(api, mishaps);
  }

  private unlessMishap(
    api: string,
    answer: (errorCode: number) => object,
  ): object | typeof CUT | typeof SILENCE {
    const mishap = this.mishaps.get(api)?.shift() ?? ErrorCode.NONE;
    return typeof mishap === 'number' ? answer(mishap) : mishap;
  }

  private coordinator(key: string): object {
    const { port } = this.broker;
    return { coordinators: [{ key, nodeId: 1, host: '127.0.0.1', port, errorCode: 0, errorMessage: null }] };
  }
}
