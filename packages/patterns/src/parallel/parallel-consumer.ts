import { Cluster, ClientError, GroupConsumer, type TopicPartition } from '@odradek/client';
import { CLUSTER_OPTION_NAMES } from '@odradek/client/cluster/cluster-options.ts';
import { isInsideApplication } from '@odradek/client/consumer/handler-scope.ts';
import { pickOptions, refuseUnknown } from '@odradek/client/options.ts';
import { partitionIdentity } from '../partition-identity.ts';
import type { RecordHandler } from './attempt.ts';
import {
  MEMBER_OPTION_NAMES,
  PARALLEL_OPTION_NAMES,
  parallelSettings,
  type ParallelOptions,
  type ParallelSettings,
} from './parallel-options.ts';
import { ParallelRun, type ParallelStatus } from './parallel-run.ts';

/**
 * Reads topics as a member of a group and handles records of different keys at the same time, those of one key in
 * their order.
 *
 * Commits never pass a record that is not done. What is done beyond is kept in the commit's metadata, so that after a
 * crash or a rebalance little is repeated. Every record is handled at least once.
 */
export class ParallelConsumer {
  private readonly options: ParallelOptions;
  private readonly settings: ParallelSettings;
  private readonly cluster: Cluster;
  private active: { readonly work: ParallelRun; readonly ended: Promise<void> } | null = null;

  /** Joins with `run`. @throws ClientError BAD_OPTION, BAD_ADDRESS */
  constructor(options: ParallelOptions) {
    refuseUnknown('a parallel consumer', options, PARALLEL_OPTION_NAMES);
    this.options = options;
    this.settings = parallelSettings(options);
    this.cluster = new Cluster(pickOptions(options, CLUSTER_OPTION_NAMES));
  }

  /** What is going on; null before `run`. */
  get status(): ParallelStatus | null {
    return this.active?.work.status ?? null;
  }

  /**
   * Calls the handler for each record until `close`.
   *
   * @returns when closed, no handler running any more
   * @throws KafkaError, UnreadableRecordsError, BadAnswerError when partitions cannot be read or the group does not
   *   take this member; what a retry policy threw. Handlers have ended then, and what got done is committed.
   */
  run(handler: RecordHandler): Promise<void> {
    if (this.active !== null) throw new ClientError('ALREADY_RUNNING', 'the consumer runs a handler already');
    const consumer = new GroupConsumer({
      ...pickOptions(this.options, MEMBER_OPTION_NAMES),
      autoCommitIntervalMs: 0,
      onAssigned: (partitions) => work.assigned(partitions),
      onRevoked: (partitions) => work.revoked(partitions),
      onLost: (partitions) => work.lost(partitions),
    });
    const { environment } = this.cluster;
    const identityOf = (at: TopicPartition): Promise<string> => partitionIdentity(this.cluster, at);
    const work = new ParallelRun(consumer, this.settings, environment, identityOf, handler);
    const ended = work.run().finally(() => this.cluster.close());
    this.active = { work, ended };
    return ended;
  }

  /**
   * Begins nothing further, waits for handlers that run, commits and leaves the group. Called from within a handler it
   * only begins. What may go wrong comes out of `run`.
   */
  async close(): Promise<void> {
    this.active?.work.stop();
    if (this.active === null) this.cluster.close();
    else if (!isInsideApplication()) await this.active.ended.catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
