import { alterConfigsApi } from '@odradek/protocol/generated/apis/alter-configs.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import { startTarget } from '../targets/start-target.ts';
import type { TargetName } from '../targets/target.ts';
import { RawConnection } from '../wire/raw-connection.ts';
import { BROKER, CLUSTER, steps, TOPIC, type Resource, type Step } from './live-steps.ts';

/** Settings that two brokers side by side cannot have alike, or that each is started with differently. */
const NOT_COMPARED = new Set([
  'listeners',
  'advertised.listeners',
  'log.dir',
  'log.dirs',
  'zookeeper.connect',
  'log.cleaner.dedupe.buffer.size',
  // Settings of 4.x, which 3.9 is given too where it is started.
  'share.coordinator.state.topic.replication.factor',
  'share.coordinator.state.topic.min.isr',
  'zookeeper.session.timeout.ms',
  'zookeeper.connection.timeout.ms',
]);

/**
 * Described by whether a change is accepted. Kafka describes some as writable that it refuses to change without a
 * listener's prefix, or that only Odradek refuses; and some as read-only that it changes.
 */
const READ_ONLY_DIFFERS =
  /^(listeners|advertised\.listeners|listener\.security\.protocol\.map|ssl\.(key|trust)store\..*|ssl\.key\.password|sasl\.jaas\.config|leader\.replication\.throttled\.rate)$/;

/** Both brokers have these, so that sources and synonyms have something to show. */
const SAME_SETTINGS: Record<string, string> = {
  'broker.id': '0',
  'log.retention.hours': '5',
  'log.segment.bytes': '5000000',
  'log.cleanup.policy': 'delete , compact',
  'ssl.keystore.password': 'hunter2',
  'my.plugin.setting': 'something',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '5',
  'transaction.state.log.num.partitions': '5',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'auto.create.topics.enable': 'TRUE',
};

/** Answers by what was asked and what is told of it. */
type Answers = Map<string, string>;

/** Takes both brokers through the same steps. */
export async function liveDifferences(): Promise<{ compared: number; differences: string[] }> {
  const kafka = await answersOf('kafka-3.9');
  const odradek = await answersOf('odradek');
  const asked = [...new Set([...kafka.keys(), ...odradek.keys()])];
  const differences = asked
    .filter((what) => kafka.get(what) !== odradek.get(what))
    .map(
      (what) => `${what}: Odradek ${odradek.get(what) ?? 'nothing'}, Kafka ${kafka.get(what) ?? 'nothing'}`,
    );
  return { compared: asked.length, differences };
}

async function answersOf(name: TargetName): Promise<Answers> {
  const target = await startTarget(name, { overrides: SAME_SETTINGS, quickStart: true });
  const connection = await RawConnection.open(target.host, target.port);
  const answers: Answers = new Map();
  try {
    await createTopic(connection, answers);
    for (const step of steps) {
      await takeStep(connection, step, answers);
      for (const resource of [TOPIC, BROKER, CLUSTER])
        await describeAll(connection, resource, step.name, answers);
    }
  } finally {
    connection.close();
    await target.stop();
  }
  return answers;
}

async function createTopic(connection: RawConnection, answers: Answers): Promise<void> {
  const configs = [
    { name: 'retention.ms', value: '1000' },
    { name: 'segment.bytes', value: '1073741824' },
  ];
  const topic = {
    name: TOPIC.resourceName,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs,
  };
  const { topics } = await connection.ask(createTopicsApi, 7, {
    topics: [topic],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  for (const { name, ...told } of topics[0]?.configs ?? [])
    answers.set(`create: ${name}`, JSON.stringify(told));
}

async function takeStep(connection: RawConnection, step: Step, answers: Answers): Promise<void> {
  const outcomes = await outcomesOf(connection, step);
  outcomes.forEach(({ errorCode, errorMessage }, at) => {
    answers.set(`${step.name} [${at}] code`, String(errorCode));
    if (step.compareMessage !== false) answers.set(`${step.name} [${at}] message`, String(errorMessage));
  });
  // Kafka's own listener of changes is a thread of its own.
  await new Promise((resolve) => setTimeout(resolve, 300));
}

async function outcomesOf(
  connection: RawConnection,
  step: Step,
): Promise<{ errorCode: number; errorMessage: string | null }[]> {
  const validateOnly = step.validateOnly ?? false;
  if (step.kind === 'describe') {
    return (await connection.ask(describeConfigsApi, 4, { resources: step.resources })).results;
  }
  return step.kind === 'alter'
    ? (await connection.ask(alterConfigsApi, 2, { resources: step.resources, validateOnly })).responses
    : (await connection.ask(incrementalAlterConfigsApi, 1, { resources: step.resources, validateOnly }))
        .responses;
}

async function describeAll(
  connection: RawConnection,
  resource: Resource,
  after: string,
  answers: Answers,
): Promise<void> {
  const { results } = await connection.ask(describeConfigsApi, 4, {
    resources: [{ ...resource, configurationKeys: null }],
    includeSynonyms: true,
  });
  for (const { name, readOnly, ...told } of results[0]?.configs ?? []) {
    if (NOT_COMPARED.has(name)) continue;
    const what = `${resource.resourceType} '${resource.resourceName}' ${name}, ${after}`;
    answers.set(what, JSON.stringify({ ...told, ...(READ_ONLY_DIFFERS.test(name) ? {} : { readOnly }) }));
  }
}
