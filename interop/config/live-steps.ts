/** What is asked of both brokers, in this order, on the same connection. */

export interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export type Step = {
  readonly name: string;
  readonly validateOnly?: boolean;
  /** False where Odradek says more or Kafka says how it is made; codes are always compared. */
  readonly compareMessage?: boolean;
} & (
  | { readonly kind: 'describe'; readonly resources: (Resource & { configurationKeys: string[] | null })[] }
  | {
      readonly kind: 'alter';
      readonly resources: (Resource & { configs: { name: string; value: string | null }[] })[];
    }
  | {
      readonly kind: 'incremental';
      readonly resources: (Resource & {
        configs: { name: string; value: string | null; configOperation: number }[];
      })[];
    }
);

export const TOPIC: Resource = { resourceType: 2, resourceName: 'orders' };
export const BROKER: Resource = { resourceType: 4, resourceName: '0' };
export const CLUSTER: Resource = { resourceType: 4, resourceName: '' };
const ABSENT: Resource = { resourceType: 2, resourceName: 'absent' };
const OTHER_BROKER: Resource = { resourceType: 4, resourceName: '77' };

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

function incremental(
  name: string,
  resource: Resource,
  ...changes: [name: string, operation: number, value: string | null][]
): Step {
  const configs = changes.map(([setting, configOperation, value]) => ({
    name: setting,
    value,
    configOperation,
  }));
  return { name, kind: 'incremental', resources: [{ ...resource, configs }] };
}

function alter(name: string, resource: Resource, settings: Record<string, string | null>): Step {
  const configs = Object.entries(settings).map(([setting, value]) => ({ name: setting, value }));
  return { name, kind: 'alter', resources: [{ ...resource, configs }] };
}

function describe(name: string, resource: Resource): Step {
  return { name, kind: 'describe', resources: [{ ...resource, configurationKeys: null }] };
}

function saysMore(step: Step): Step {
  return { ...step, compareMessage: false };
}

export const steps: readonly Step[] = [
  describe('describe a topic that does not exist', ABSENT),
  describe('describe another broker', OTHER_BROKER),
  describe('describe a broker that is no number', { resourceType: 4, resourceName: 'five' }),
  describe('describe client metrics', { resourceType: 16, resourceName: 'some' }),
  describe('describe client metrics without a name', { resourceType: 16, resourceName: '' }),
  saysMore(describe('describe a group', { resourceType: 32, resourceName: 'some' })),
  describe('describe a logger without a name', { resourceType: 8, resourceName: '' }),
  incremental('set a topic setting', TOPIC, ['flush.ms', SET, ' 0077 ']),
  incremental('set a list with blanks', TOPIC, ['cleanup.policy', SET, ' compact , delete ']),
  incremental('set a list without blanks', TOPIC, ['cleanup.policy', SET, 'compact,delete']),
  incremental('subtract from a list', TOPIC, ['cleanup.policy', SUBTRACT, 'delete']),
  incremental('append to a list', TOPIC, ['cleanup.policy', APPEND, 'delete']),
  incremental('append what is there', TOPIC, ['cleanup.policy', APPEND, 'delete']),
  incremental(
    'reset a topic setting',
    TOPIC,
    ['cleanup.policy', DELETE, null],
    ['segment.bytes', DELETE, null],
  ),
  incremental('append to a default', TOPIC, ['cleanup.policy', APPEND, 'compact']),
  incremental('append to no list', TOPIC, ['segment.ms', APPEND, '1']),
  incremental('subtract from no list', TOPIC, ['segment.ms', SUBTRACT, '1']),
  incremental('set an unknown topic setting', TOPIC, ['no.such', SET, '1']),
  incremental('set a value out of range', TOPIC, ['segment.ms', SET, '0']),
  saysMore(incremental('set a value that is no number', TOPIC, ['segment.ms', SET, 'x'])),
  incremental('set a word that is none of them', TOPIC, ['compression.type', SET, 'brotli']),
  incremental('name a setting twice', TOPIC, ['segment.ms', SET, '1'], ['segment.ms', SET, '2']),
  incremental('set nothing', TOPIC, ['segment.ms', SET, null]),
  incremental(
    'lags in conflict',
    TOPIC,
    ['min.compaction.lag.ms', SET, '9'],
    ['max.compaction.lag.ms', SET, '8'],
  ),
  saysMore(incremental('ask for tiering', TOPIC, ['remote.storage.enable', SET, 'true'])),
  incremental('ask for what only KRaft has', TOPIC, ['remote.log.copy.disable', SET, 'true']),
  incremental('change a topic that does not exist', ABSENT, ['segment.ms', SET, '1']),
  incremental('change all topics', { resourceType: 2, resourceName: '' }, ['segment.ms', SET, '1']),
  incremental('change client metrics', { resourceType: 16, resourceName: 'some' }, ['interval.ms', SET, '1']),
  incremental('change a group', { resourceType: 32, resourceName: 'some' }, ['a', SET, '1']),
  incremental('change an unknown type', { resourceType: 3, resourceName: 'some' }, ['a', SET, '1']),
  { ...incremental('only check', TOPIC, ['segment.ms', SET, '1']), validateOnly: true },
  { ...incremental('only check a bad one', TOPIC, ['segment.ms', SET, '0']), validateOnly: true },
  {
    name: 'a resource twice',
    kind: 'incremental',
    resources: [1, 2].map((value) => ({
      ...TOPIC,
      configs: [{ name: 'segment.ms', value: String(value), configOperation: SET }],
    })),
  },
  alter('replace all of a topic', TOPIC, { 'retention.ms': '123' }),
  alter('replace by an unknown one', TOPIC, { 'no.such': '1' }),
  alter('replace by a bad one', TOPIC, { 'segment.bytes': '1' }),
  alter('replace by nothing', TOPIC, { 'segment.bytes': null }),
  alter('replace in a topic that does not exist', ABSENT, {}),
  incremental(
    'set for all brokers',
    CLUSTER,
    ['log.retention.ms', SET, '2000'],
    ['log.cleaner.threads', SET, '2'],
  ),
  incremental(
    'set for this broker',
    BROKER,
    ['log.retention.ms', SET, '3000'],
    ['log.roll.ms', SET, '60000'],
  ),
  incremental('set a listener setting', BROKER, ['listener.name.plaintext.max.connections', SET, '500']),
  incremental('set a custom setting', BROKER, ['my.own.setting', SET, 'x']),
  incremental('set what is dynamic only', BROKER, ['leader.replication.throttled.rate', SET, '1000000']),
  incremental('append to a list of the broker', BROKER, ['log.cleanup.policy', APPEND, 'compact']),
  incremental('append to no list of the broker', BROKER, ['log.roll.ms', APPEND, '1']),
  incremental('set what is fixed', BROKER, ['num.partitions', SET, '3']),
  incremental('set what is per broker for all', CLUSTER, ['sasl.enabled.mechanisms', SET, 'PLAIN']),
  saysMore(incremental('set a key store without a listener', BROKER, ['ssl.keystore.type', SET, 'PEM'])),
  saysMore(incremental('set a bad value of a broker', BROKER, ['log.roll.ms', SET, 'x'])),
  saysMore(
    incremental('set a value of a broker that is out of range', BROKER, ['message.max.bytes', SET, '-1']),
  ),
  saysMore(incremental('set a value that goes with no other', BROKER, ['log.roll.ms', SET, '0'])),
  saysMore(incremental('set a secret', BROKER, ['listener.name.plaintext.ssl.key.password', SET, 'hunter2'])),
  incremental('change another broker', OTHER_BROKER, ['log.roll.ms', SET, '1']),
  incremental('change a broker that is no number', { resourceType: 4, resourceName: 'five' }, [
    'log.roll.ms',
    SET,
    '1',
  ]),
  alter('replace all of the broker', BROKER, { 'log.roll.ms': '70000' }),
  saysMore(alter('replace a log level', { resourceType: 8, resourceName: '0' }, { root: 'INFO' })),
  alter('replace nothing of all brokers', CLUSTER, {}),
  alter('replace nothing of the broker', BROKER, {}),
];
