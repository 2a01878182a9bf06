/**
 * What is different where `zookeeper.connect` is empty and this broker is the whole cluster. These values count as
 * if they stood in the file, weaker than anything that does. Kafka's own defaults could not work alone (topics with
 * three replicas), would open a development machine to its network, or would make every first consumer wait.
 */
export const SINGLE_MACHINE_SETTINGS: Readonly<Record<string, string>> = {
  'broker.id': '0',
  listeners: 'PLAINTEXT://127.0.0.1:9092',
  'log.dirs': './data',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
};

/** Where the user gave the one, the other must not be set for them. */
const SAME_THING: Readonly<Record<string, string>> = { 'broker.id': 'node.id', 'log.dirs': 'log.dir' };

/** @returns the properties with those of a single machine beneath them, if this is one */
export function withSingleMachineSettings(
  properties: Readonly<Record<string, string>>,
): Record<string, string> {
  if (
    (properties['zookeeper.connect'] ?? '').trim() !== '' ||
    (properties['process.roles'] ?? '').trim() !== ''
  ) {
    return { ...properties };
  }
  const beneath = Object.entries(SINGLE_MACHINE_SETTINGS).filter(
    ([name]) => !givenOtherwise(name, properties),
  );
  return { ...Object.fromEntries(beneath), ...properties };
}

function givenOtherwise(name: string, properties: Readonly<Record<string, string>>): boolean {
  const other = SAME_THING[name];
  return other !== undefined && properties[other] !== undefined;
}
