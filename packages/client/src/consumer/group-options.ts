import type { TopicPartition } from '../cluster/topic-partition.ts';
import { badOption, oneOf, wholeNumber, type OptionNames } from '../options.ts';
import { assignorsOf, type AssignorName } from './assignors/assignors.ts';
import type { Assignor } from './assignors/assignor.ts';
import { CONSUMER_OPTION_NAMES, type ConsumerOptions } from './consumer-options.ts';
import type { MembershipOptions } from './group-membership.ts';
import type { Stall } from './watchdog.ts';

/** Told of partitions that come and go; a promise is waited for. What it throws comes out of the next poll. */
export type RebalanceListener = (partitions: readonly TopicPartition[]) => void | Promise<void>;

export type GroupProtocol = 'classic' | 'consumer';

/** Names and defaults follow Apache Kafka's Java consumer. */
export interface GroupConsumerOptions extends ConsumerOptions {
  readonly groupId: string;
  /**
   * By name, or by an expression that is looked for anywhere in the names of the cluster's topics, now and every
   * `metadataMaxAgeMs`: topics that come are read, and topics that go are not. May be empty with `serverTopicPattern`.
   */
  readonly topics: readonly (string | RegExp)[];
  /**
   * With `groupProtocol` consumer: an expression by which the coordinator chooses topics besides, in the syntax of RE2/J
   * (KIP-848; Kafka 4.0 and later). It has to match whole names.
   */
  readonly serverTopicPattern?: string;
  /**
   * `consumer`: the coordinator shares partitions out, and members go on while it does (KIP-848; Kafka 4.0 and later).
   * All members of a group go by the same, but for a rolling change. Default `classic`.
   */
  readonly groupProtocol?: GroupProtocol;
  /** With `groupProtocol` consumer: how the coordinator shares out, `uniform` or `range`. Default: its own choice. */
  readonly serverAssignor?: string;
  /** What this member can share partitions out by, best first. Default `range`, then `cooperative-sticky`. */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /** Makes the member static (KIP-345): it keeps its partitions over a restart within the session timeout. */
  readonly instanceId?: string;
  /** Without a heartbeat for so long the group goes on without this member, milliseconds. Default 45 000. */
  readonly sessionTimeoutMs?: number;
  /** Default 3 000. */
  readonly heartbeatIntervalMs?: number;
  /**
   * Has a thread of its own send the heartbeats, with connections of its own: the place in the group is kept while
   * handlers block the event loop, for up to `maxPollIntervalMs`. It takes about 10 MB. A URL says where a bundler has
   * put the program of the thread, `@odradek/client/heartbeat-worker`. Default false.
   */
  readonly heartbeatThread?: boolean | URL;
  /**
   * Between two polls, or two signs of life of what handles records, milliseconds; then the member leaves and others
   * get its partitions. Also how long the group waits for this member when it forms anew. Default 300 000.
   */
  readonly maxPollIntervalMs?: number;
  /**
   * Whether what is processed is committed without being asked to. Not where the offsets are part of transactions, or
   * kept elsewhere. Default true.
   */
  readonly autoCommit?: boolean;
  /** How often that is done, milliseconds; 0: only before partitions are given up, and by `close`. Default 5 000. */
  readonly autoCommitIntervalMs?: number;
  /** Told when records do not get on although attempts are made, once for each time that happens. */
  readonly onStall?: (stall: Stall) => void;
  /** What takes longer is a stall, milliseconds. Default 30 000. */
  readonly stallAfterMs?: number;
  /** These are read from now on, beside those that were. Before the first records, so `seek` may be called. */
  readonly onAssigned?: RebalanceListener;
  /** These are given up; nothing of them is in work any more. What is marked here is still committed. */
  readonly onRevoked?: RebalanceListener;
  /** These went to others already, nothing can be committed. Default: `onRevoked` is not called either. */
  readonly onLost?: RebalanceListener;
}

export const GROUP_CONSUMER_OPTION_NAMES: OptionNames<GroupConsumerOptions> = {
  ...CONSUMER_OPTION_NAMES,
  groupId: true,
  topics: true,
  serverTopicPattern: true,
  groupProtocol: true,
  serverAssignor: true,
  assignors: true,
  instanceId: true,
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  heartbeatThread: true,
  maxPollIntervalMs: true,
  autoCommit: true,
  autoCommitIntervalMs: true,
  onStall: true,
  stallAfterMs: true,
  onAssigned: true,
  onRevoked: true,
  onLost: true,
};

const GROUP_PROTOCOLS: readonly GroupProtocol[] = ['classic', 'consumer'];

export interface GroupSettings {
  readonly protocol: GroupProtocol;
  readonly topics: readonly (string | RegExp)[];
  readonly serverTopicPattern: string | null;
  readonly serverAssignor: string | null;
  readonly membership: MembershipOptions;
  /** Whether members keep what they have while the group forms anew. */
  readonly isCooperative: boolean;
  readonly maxPollIntervalMs: number;
  /** Where the program of the thread is that sends the heartbeats; null when the event loop does. */
  readonly heartbeatProgram: URL | null;
  readonly autoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  readonly onStall: ((stall: Stall) => void) | null;
  readonly stallAfterMs: number;
  readonly onAssigned: RebalanceListener | null;
  readonly onRevoked: RebalanceListener | null;
  readonly onLost: RebalanceListener | null;
}

/** @throws ClientError BAD_OPTION */
export function groupSettings(options: GroupConsumerOptions): GroupSettings {
  const assignors = assignorsOf(options.assignors ?? ['range', 'cooperative-sticky']);
  const maxPollIntervalMs = wholeNumber('maxPollIntervalMs', options.maxPollIntervalMs ?? 300_000, 1);
  const sessionTimeoutMs = wholeNumber('sessionTimeoutMs', options.sessionTimeoutMs ?? 45_000, 1);
  const heartbeatIntervalMs = wholeNumber('heartbeatIntervalMs', options.heartbeatIntervalMs ?? 3_000, 1);
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw badOption(
      `heartbeatIntervalMs is ${heartbeatIntervalMs}, allowed is less than sessionTimeoutMs, ${sessionTimeoutMs}`,
    );
  }
  if (options.groupId === '') throw badOption('groupId is empty');
  checkTopics(options);
  const protocol = protocolOf(options);
  return {
    protocol,
    topics: options.topics,
    serverTopicPattern: options.serverTopicPattern ?? null,
    serverAssignor: options.serverAssignor ?? null,
    membership: {
      assignors,
      instanceId: options.instanceId ?? null,
      sessionTimeoutMs,
      heartbeatIntervalMs,
      rebalanceTimeoutMs: maxPollIntervalMs,
    },
    isCooperative: protocol === 'consumer' || assignors.every((assignor) => assignor.isCooperative),
    maxPollIntervalMs,
    heartbeatProgram: heartbeatProgram(options),
    autoCommit: options.autoCommit ?? true,
    autoCommitIntervalMs: wholeNumber('autoCommitIntervalMs', options.autoCommitIntervalMs ?? 5_000, 0),
    onStall: options.onStall ?? null,
    stallAfterMs: wholeNumber('stallAfterMs', options.stallAfterMs ?? 30_000, 1),
    onAssigned: options.onAssigned ?? null,
    onRevoked: options.onRevoked ?? null,
    onLost: options.onLost ?? null,
  };
}

function checkTopics({ topics, serverTopicPattern }: GroupConsumerOptions): void {
  if (serverTopicPattern === '') throw badOption('serverTopicPattern is empty');
  if (topics.length === 0 && serverTopicPattern === undefined) throw badOption('topics is empty');
  const wrong = topics.find((topic) => typeof topic !== 'string' && !(topic instanceof RegExp));
  if (wrong !== undefined)
    throw badOption(`topics has ${String(wrong)}, allowed are names and regular expressions`);
}

function heartbeatProgram({ heartbeatThread = false, environment }: GroupConsumerOptions): URL | null {
  if (heartbeatThread === false) return null;
  if (environment !== undefined && environment.threads === undefined)
    throw badOption('heartbeatThread: the environment that is given has no threads');
  if (heartbeatThread === true) return new URL('../adapters/heartbeat-worker.ts', import.meta.url);
  if (heartbeatThread instanceof URL) return heartbeatThread;
  throw badOption(`heartbeatThread is ${String(heartbeatThread)}, allowed are true, false and a URL`);
}

/** Settings of the other protocol are refused: they would be of no effect. */
const SETTINGS_BY_PROTOCOL = {
  classic: ['assignors', 'sessionTimeoutMs', 'heartbeatIntervalMs'],
  consumer: ['serverAssignor', 'serverTopicPattern'],
} as const;

function protocolOf(options: GroupConsumerOptions): GroupProtocol {
  const protocol = oneOf('groupProtocol', options.groupProtocol ?? 'classic', GROUP_PROTOCOLS);
  const other = protocol === 'classic' ? 'consumer' : 'classic';
  const misplaced = SETTINGS_BY_PROTOCOL[other].find((name) => options[name] !== undefined);
  if (misplaced === undefined) return protocol;
  throw badOption(`${misplaced} has no effect with groupProtocol ${protocol}, only with ${other}`);
}
