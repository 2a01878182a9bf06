import { brokerSettings, brokerSynonyms } from '../../packages/broker/src/config/broker-settings.ts';
import type { Setting } from '../../packages/broker/src/config/setting.ts';
import {
  canonicalText,
  parseSettingValue,
  valueText,
} from '../../packages/broker/src/config/setting-value.ts';
import { topicSettings } from '../../packages/broker/src/config/settings/topic.ts';
import { brokerCounterpart } from '../../packages/broker/src/config/topic-config.ts';
import type { KafkaDefinition, ValueAnswer, ValueQuestion } from './oracle.ts';

const TABLES: Record<KafkaDefinition['table'], Readonly<Record<string, Setting>>> = {
  broker: brokerSettings,
  topic: topicSettings,
};

/** Where our tables differ from Kafka's, a sentence each. */
export function definitionDifferences(definitions: readonly KafkaDefinition[]): string[] {
  const theirs = new Set(definitions.map(({ table, name }) => `${table} ${name}`));
  const ours = Object.entries(TABLES).flatMap(([table, settings]) =>
    Object.keys(settings).map((name) => `${table} ${name}`),
  );
  return [
    ...ours.filter((name) => !theirs.has(name)).map((name) => `${name}: unknown to Kafka`),
    ...definitions.flatMap(differencesOf),
  ];
}

function differencesOf(kafka: KafkaDefinition): string[] {
  const setting = TABLES[kafka.table][kafka.name];
  if (setting === undefined) return [`${kafka.table} ${kafka.name}: missing`];
  const facts: [what: string, ours: unknown, theirs: unknown][] = [
    ['type', setting.type, kafka.type],
    ['default', valueText(setting, setting.default), kafka.default],
    ['importance', setting.importance, kafka.importance],
    ['internal', setting.internal, kafka.internal],
    ...factsOfTable(kafka, setting),
  ];
  return facts
    .filter(([, ours, theirs]) => ours !== theirs)
    .map(
      ([what, ours, theirs]) =>
        `${kafka.table} ${kafka.name}: ${what} is ${String(ours)}, Kafka's ${String(theirs)}`,
    );
}

function factsOfTable(kafka: KafkaDefinition, setting: Setting): [string, unknown, unknown][] {
  if (kafka.table === 'broker') return [['update mode', setting.update, kafka.update]];
  const counterpart = brokerCounterpart(kafka.name);
  const names = counterpart === null ? [] : brokerSynonyms(counterpart, false);
  return [["broker's names", names.join(' '), kafka.brokerNames.join(' ')]];
}

const NUMBERS = (
  '| |0|-0|+1|1|-1|-2|-3|2|3|4|5|9|10|11|12|13|14|17|18|22|23|99|100|101|199|200|999|1000|1001|' +
  '1023|1024|10000|10001|15000|29999|30000|30001|32767|32768|-32768|-32769|60000|60001|3600000|' +
  '3600001|-131072|-131073|2147483647|2147483648|-2147483648|-2147483649|9223372036854775807|' +
  '9223372036854775808|-9223372036854775808|-9223372036854775809| 42 |007|1.5|1e3|0x10|1_0|0.5|' +
  '0.50|.5|1.|-0.1|0.51|1.01|1e-5|1E400|1e400|12345678|123456.789|NaN|Infinity|1d|1f|x|true'
).split('|');

const WORDS = (
  '| |a| a b |a,b| a , b |,|a,,b|true|TRUE| False |yes|none|NONE|required|delete|compact|' +
  'compact,delete| compact , delete |Compact|producer|gzip|uncompressed|brotli|CreateTime|' +
  'LogAppendTime|createtime|PLAINTEXT|SSL|SASL_SSL|plaintext|classic|consumer,classic|' +
  'classic,streams|DISABLED|disabled|Upgrade|broker|broker,controller|observer|*|none|0:1|0:1,1:2|' +
  '0:1;1:2|a:b|0.8.0|0.10.0|0.10.0.1|0.10.0-IV1|2.8|2.8.1|3.9|3.9-IV0|3.9.2|3.9-IV9|4.0|4.0-IV1|' +
  '9.9|3|v3.9|3.9.x|0.8|0.7.0|1.0-IV0|1.0.0|0.11.0.0'
).split('|');

/** Values that are put to every setting of their kind. Classes are left out: Kafka loads them. */
export function valueQuestions(): ValueQuestion[] {
  return (['broker', 'topic'] as const).flatMap((table) =>
    Object.entries(TABLES[table])
      .filter(([, { type }]) => type !== 'class')
      .flatMap(([name, setting]) => [...NUMBERS, ...WORDS].map((text) => ({ table, name, text, setting })))
      .map(({ name, text }) => ({ table, name, text })),
  );
}

/** Settings of KRaft whose values Kafka takes apart; here they only must be lists. */
const NOT_TAKEN_APART = new Set(['controller.quorum.voters', 'controller.quorum.bootstrap.servers']);

/** @returns what differs between our answer and Kafka's, or null */
export function valueDifference({ table, name, text }: ValueQuestion, kafka: ValueAnswer): string | null {
  if (NOT_TAKEN_APART.has(name)) return null;
  const setting = TABLES[table][name] as Setting;
  // No ratio or rate can be NaN; Kafka would take it, as nothing is greater or less.
  if (setting.type === 'double' && text === 'NaN') return null;
  const ours = ourAnswer(name, setting, text);
  const theirs = kafka.accepted ? `takes it as '${kafka.text}'` : 'refuses it';
  const what = ours.accepted ? `takes it as '${ours.text}'` : 'refuses it';
  if (what === theirs) return null;
  return `${table} ${name} = '${text}': Odradek ${what}, Kafka ${theirs} ${kafka.accepted ? '' : `(${kafka.reason})`}`;
}

function ourAnswer(name: string, setting: Setting, text: string): ValueAnswer {
  try {
    parseSettingValue(name, setting, text);
    return { accepted: true, text: canonicalText(setting, text) };
  } catch (error) {
    return { accepted: false, reason: (error as Error).message };
  }
}
