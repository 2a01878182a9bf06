/**
 * Writes docs/configuration.md from the definitions of the settings.
 *
 *     node scripts/generate-config-docs.ts           writes the file
 *     node scripts/generate-config-docs.ts --check   writes nothing; fails when the file is not what would be written
 */
import { settingGroups } from '../packages/broker/src/config/setting-groups.ts';
import type { Setting, SettingStatus } from '../packages/broker/src/config/setting.ts';
import { valueText } from '../packages/broker/src/config/setting-value.ts';
import { SINGLE_MACHINE_SETTINGS } from '../packages/broker/src/config/single-machine.ts';
import { FIXED_WHILE_RUNNING, isWritable } from '../packages/broker/src/config/dynamic-broker-rules.ts';
import { dynamicOnlySettings } from '../packages/broker/src/config/settings/dynamic-only.ts';
import { topicSettings } from '../packages/broker/src/config/settings/topic.ts';
import { brokerCounterpart } from '../packages/broker/src/config/topic-config.ts';
import { brokerSynonyms } from '../packages/broker/src/config/broker-settings.ts';
import { publishPage, table } from './generated-page.ts';

await publishPage('docs/configuration.md', document());

function document(): string {
  return [
    introduction(),
    singleMachineTable(),
    counts(),
    '## Broker settings',
    ...settingGroups.map(({ title, settings }) => `### ${title}\n\n${brokerTable(settings)}`),
    `### Settings that exist only while the broker runs\n\n${brokerTable(dynamicOnlySettings)}`,
    '## Topic settings',
    "A topic without a value of its own has the broker's, under the first name of the last column that is set.",
    topicTable(topicSettings),
  ].join('\n\n');
}

function introduction(): string {
  return `<!-- Written by scripts/generate-config-docs.ts from packages/broker/src/config; not to be edited. -->

# Configuration

Odradek reads \`server.properties\` as Apache Kafka 3.9 in ZooKeeper mode does: same names, defaults, types, units and ranges. \`--override name=value\` is stronger than the file. Blanks around a value are dropped, \`true\` and \`false\` may have any case, lists are cut at commas.

- A name that Kafka does not have is ignored with a warning.
- A value that a setting does not take stops the start. All problems are told at once, each with the name, the value and what is allowed.
- **in force**: the setting does what Kafka's does.
- **accepted without effect**: any allowed value is taken and changes nothing; the column says why.
- **not supported**: a value other than the default asks for something that is absent. Where ignoring it would weaken security or lose data it *stops* the start, else it *warns*.

## While the broker runs

Settings of topics and brokers can be changed by AlterConfigs and IncrementalAlterConfigs (\`odradek configs\`, \`kafka-configs.sh\`, any admin client). They are kept in the coordination tree where Kafka keeps them (\`/config/topics/<topic>\`, \`/config/brokers/<id>\`, \`/config/brokers/<default>\`), last across restarts, and take effect before the change is answered. For a broker the strongest value counts: of this broker, of all brokers, of the file, the default. *Changes* tells which settings can be changed: for one broker (its number as the resource's name), or also for all (empty name).

Different from Kafka:

- ${[...FIXED_WHILE_RUNNING].map(code).join(', ')}: the value they have is accepted, another one is refused; listeners open at the start only.
- Passwords cannot be changed while the broker runs, so none is ever stored, encrypted or not.
- What cannot be changed is described as read-only. (Kafka describes \`ssl.keystore.*\` as writable and refuses to write it without a listener's prefix.)
- Blanks around the entries of a list do not count when entries are added or taken away.
- \`NaN\` is no number.
- Log levels (BROKER_LOGGER), client metrics and group settings are answered with INVALID_REQUEST; Kafka 3.9 in ZooKeeper mode does so for the last two.

## A single machine

Where \`zookeeper.connect\` is empty this broker is the whole cluster. These values then count as if they stood in the file, weaker than anything that does. Kafka's own defaults would need three brokers, would open a development machine to its network, or would make every first consumer wait.`;
}

function singleMachineTable(): string {
  const rows = Object.entries(SINGLE_MACHINE_SETTINGS).map(([name, value]) => [code(name), code(value)]);
  return table(['name', 'value'], rows);
}

function counts(): string {
  const statuses = settingGroups.flatMap(({ settings }) =>
    Object.values(settings).map(({ status }) => status.kind),
  );
  const count = (kind: SettingStatus['kind']) => statuses.filter((one) => one === kind).length;
  return `Of Kafka's ${statuses.length} broker settings ${count('in force')} are in force, ${count('without effect')} are accepted without effect and ${count('not supported')} are not supported.`;
}

function brokerTable(settings: Readonly<Record<string, Setting>>): string {
  const rows = Object.entries(settings).map(([name, setting]) => [
    code(name),
    typeText(setting),
    defaultText(setting),
    setting.check?.allowed ?? '',
    changesText(name, setting),
    statusText(setting.status),
    aboutText(setting),
  ]);
  return table(['name', 'type', 'default', 'allowed', 'changes', 'status', 'what it is'], rows);
}

function topicTable(settings: Readonly<Record<string, Setting>>): string {
  const rows = Object.entries(settings).map(([name, setting]) => [
    code(name),
    typeText(setting),
    defaultText(setting),
    setting.check?.allowed ?? '',
    statusText(setting.status),
    aboutText(setting),
    brokerNames(name),
  ]);
  return table(['name', 'type', 'default', 'allowed', 'status', 'what it is', "the broker's"], rows);
}

function brokerNames(name: string): string {
  const counterpart = brokerCounterpart(name);
  return counterpart === null ? '' : brokerSynonyms(counterpart, false).map(code).join(', ');
}

function typeText(setting: Setting): string {
  return setting.unit === null ? setting.type : `${setting.type}, ${setting.unit}`;
}

function defaultText(setting: Setting): string {
  const value = valueText(setting, setting.default);
  if (value === null) return 'none';
  return value === '' ? 'empty' : code(value);
}

function changesText(name: string, setting: Setting): string {
  if (FIXED_WHILE_RUNNING.has(name)) return 'at the start';
  if (!isWritable(name))
    return setting.update === 'read-only' ? 'at the start' : 'at the start, or per listener';
  return setting.update === 'per-broker' ? 'one broker' : 'one or all';
}

function statusText(status: SettingStatus): string {
  switch (status.kind) {
    case 'in force':
      return 'in force';
    case 'without effect':
      return `accepted without effect: ${status.because}`;
    case 'not supported':
      return `not supported, ${status.whenSet === 'stop' ? 'stops' : 'warns'}: ${status.because}`;
  }
}

function aboutText(setting: Setting): string {
  return setting.internal ? `${setting.about} (Internal to Kafka.)` : setting.about;
}

function code(value: string): string {
  return `\`${value}\``;
}
