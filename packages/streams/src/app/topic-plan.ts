import {
  ClientError,
  createTopic,
  describeConfigs,
  describeTopic,
  type Cluster,
  type TopicMetadata,
} from '@odradek/client';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { changelogTopic } from '../state/store-spec.ts';
import { topicName, type TopicRef } from '../topology/flow.ts';
import { refKey, type Subtopology, type Topology } from '../topology/topology.ts';

/** What is known of a store's changelog. */
export interface Changelog {
  readonly topic: string;
  /** Of cluster and topic: another one has another history. */
  readonly identity: string;
  /** Tombstones are there for so long at least, milliseconds. */
  readonly deleteRetentionMs: number;
}

export interface TopicPlan {
  /** By store. */
  readonly changelogs: ReadonlyMap<string, Changelog>;
  /** By index of the subtopology, its number of tasks. */
  readonly taskCounts: readonly number[];
}

interface Preparation {
  readonly cluster: Cluster;
  readonly applicationId: string;
  readonly replicationFactor: number | null;
  /** How long topics that are missing are waited for, milliseconds. */
  readonly topicTimeoutMs: number;
}

const MISSING_POLL_MS = 200;

/** Their records have the times of events, which may be of years ago: what was processed is deleted by hand. */
const REPARTITION_CONFIGS = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
const CHANGELOG_CONFIGS = { 'cleanup.policy': 'compact' };

/**
 * Looks at the topics that are needed and makes the application's own.
 *
 * @throws ClientError MISSING_TOPICS, NOT_COPARTITIONED, BAD_INTERNAL_TOPIC; KafkaError
 */
export async function prepareTopics(topology: Topology, parts: Preparation): Promise<TopicPlan> {
  const counts = await userTopics(topology, parts);
  planInternal(topology, counts);
  const taskCounts = topology.subtopologies.map((subtopology) => taskCount(subtopology, counts));
  for (const topic of internalTopics(topology)) {
    const name = topicName(topic, parts.applicationId);
    await ensureTopic(parts, name, counts.get(refKey(topic))!, REPARTITION_CONFIGS);
  }
  const changelogs = new Map<string, Changelog>();
  for (const { index, stores } of topology.subtopologies) {
    for (const { name } of stores) {
      changelogs.set(name, await prepareChangelog(parts, name, taskCounts[index]!));
    }
  }
  return { changelogs, taskCounts };
}

/** Partition counts, by `refKey`. */
async function userTopics(
  topology: Topology,
  { cluster, topicTimeoutMs }: Preparation,
): Promise<Map<string, number>> {
  const topics = [...topology.subtopologies.flatMap(({ topics: ofOne }) => ofOne), ...topology.sinks];
  const names = new Set(topics.filter(({ isInternal }) => !isInternal).map(({ name }) => name));
  const { clock, timers } = cluster.environment;
  const untilMs = clock.monotonic() + topicTimeoutMs;
  const counts = new Map<string, number>();
  for (;;) {
    const missing: string[] = [];
    for (const name of names) {
      const found = await foundTopic(cluster, name);
      if (found === null) missing.push(name);
      else counts.set(name, found.partitions.length);
    }
    if (missing.length === 0) return counts;
    if (clock.monotonic() >= untilMs) {
      throw new ClientError('MISSING_TOPICS', `create these topics first: ${missing.join(', ')}`);
    }
    await new Promise<void>((resolve) => void timers.after(MISSING_POLL_MS, resolve));
  }
}

/** An internal topic has as many partitions as what is read together with it, else as what flows into it. */
function planInternal(topology: Topology, counts: Map<string, number>): void {
  for (const topic of internalTopics(topology)) {
    if (topic.partitions !== null) counts.set(refKey(topic), topic.partitions);
  }
  for (let before = -1; before !== counts.size;) {
    before = counts.size;
    for (const { topics } of topology.subtopologies) fill(topics, topics, counts);
    if (counts.size !== before) continue;
    for (const { topics, nodes } of topology.subtopologies) {
      fill(
        nodes.flatMap(({ sink }) => sink?.topic ?? []),
        topics,
        counts,
      );
    }
  }
}

function fill(targets: readonly TopicRef[], sources: readonly TopicRef[], counts: Map<string, number>): void {
  const known = sources.flatMap((topic) => counts.get(refKey(topic)) ?? []);
  if (known.length === 0) return;
  for (const target of targets) {
    if (!counts.has(refKey(target))) counts.set(refKey(target), Math.max(...known));
  }
}

function taskCount({ topics }: Subtopology, counts: ReadonlyMap<string, number>): number {
  const found = topics.map((topic) => ({ name: refKey(topic), count: counts.get(refKey(topic)) ?? 0 }));
  const differ = found.some(({ count }) => count !== found[0]!.count);
  if (!differ && found[0]!.count > 0) return found[0]!.count;
  throw new ClientError(
    'NOT_COPARTITIONED',
    `what is read together needs equally many partitions: ${found
      .map(({ name, count }) => `${name} has ${count}`)
      .join(', ')}; call repartition({ name }) on one of them`,
  );
}

async function prepareChangelog(parts: Preparation, store: string, partitions: number): Promise<Changelog> {
  const topic = changelogTopic(store, parts.applicationId);
  const { topicId } = await ensureTopic(parts, topic, partitions, CHANGELOG_CONFIGS);
  const configs = await describeConfigs(parts.cluster, { type: 'topic', name: topic });
  const valueOf = (name: string): string => configs.find((config) => config.name === name)?.value ?? '';
  if (!valueOf('cleanup.policy').split(',').includes('compact')) {
    throw new ClientError(
      'BAD_INTERNAL_TOPIC',
      `cleanup.policy of "${topic}" is ${valueOf('cleanup.policy')}, needed is compact: else state is lost with time`,
    );
  }
  return {
    topic,
    identity: `${parts.cluster.metadata.clusterId ?? ''} ${topicId}`,
    deleteRetentionMs: Number(valueOf('delete.retention.ms')),
  };
}

async function ensureTopic(
  { cluster, replicationFactor }: Preparation,
  name: string,
  partitions: number,
  configs: Readonly<Record<string, string>>,
): Promise<TopicMetadata> {
  let found = await foundTopic(cluster, name);
  if (found === null) {
    await createUnlessThere(cluster, {
      name,
      partitions,
      configs,
      ...(replicationFactor === null ? {} : { replicationFactor }),
    });
    found = await cluster.topic(name);
  }
  if (found.partitions.length === partitions) return found;
  throw new ClientError(
    'BAD_INTERNAL_TOPIC',
    `"${name}" has ${found.partitions.length} partitions, needed are ${partitions}: its input has changed. ` +
      'Reset the application: stop it everywhere, delete its group, its own topics and its directories',
  );
}

/** Another instance may be faster. */
async function createUnlessThere(cluster: Cluster, topic: Parameters<typeof createTopic>[1]): Promise<void> {
  try {
    await createTopic(cluster, topic);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== ErrorCode.TOPIC_ALREADY_EXISTS) throw error;
  }
}

async function foundTopic(cluster: Cluster, name: string): Promise<TopicMetadata | null> {
  try {
    return await describeTopic(cluster, name);
  } catch (error) {
    if (error instanceof KafkaError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return null;
    throw error;
  }
}

export function internalTopics(topology: Topology): readonly TopicRef[] {
  const read = topology.subtopologies.flatMap(({ topics }) => topics);
  return read.filter(({ isInternal }) => isInternal);
}
