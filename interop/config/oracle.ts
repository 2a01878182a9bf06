import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { kafkaClassPath } from '../../scripts/kafka-jars.ts';

/** One of Kafka's own definitions. */
export interface KafkaDefinition {
  readonly table: 'broker' | 'topic';
  readonly name: string;
  readonly type: string;
  readonly default: string | null;
  readonly importance: string;
  readonly internal: boolean;
  readonly update: string;
  /** Of a topic's setting: the broker's names for it, the strongest first. */
  readonly brokerNames: readonly string[];
}

export interface ValueQuestion {
  readonly table: 'broker' | 'topic';
  readonly name: string;
  readonly text: string;
}

/** What Kafka makes of a value. */
export type ValueAnswer =
  | { readonly accepted: true; readonly text: string | null }
  | { readonly accepted: false; readonly reason: string };

const OUTPUT_SIZE_MAX = 2 ** 28;

/** Asks Kafka's classes for all definitions and for each value, in one Java process. */
export function askKafka(questions: readonly ValueQuestion[]): {
  definitions: KafkaDefinition[];
  answers: ValueAnswer[];
} {
  const lines = ['all', ...questions.map(({ table, name, text }) => [table, name, hex(text)].join('\t'))];
  const run = spawnSync(
    'java',
    ['-Xmx256m', '-cp', kafkaClassPath('3.9'), join(import.meta.dirname, 'SettingsOracle.java')],
    { input: lines.map((line) => `${line}\n`).join(''), encoding: 'utf8', maxBuffer: OUTPUT_SIZE_MAX },
  );
  if (run.error !== undefined) throw run.error;
  const [first, ...rest] = run.stdout.trimEnd().split('\n');
  if (run.status !== 0 || rest.length !== questions.length) {
    throw new Error(
      `java answered ${rest.length} of ${questions.length} lines: ${run.stderr.slice(0, 4000)}`,
    );
  }
  return { definitions: (first ?? '').split('\t').slice(1).map(definitionOf), answers: rest.map(answerOf) };
}

function definitionOf(line: string): KafkaDefinition {
  const [table, name, type, value, importance, internal, update, names] = line.split(',') as string[];
  return {
    table: table as KafkaDefinition['table'],
    name: name as string,
    type: (type as string).toLowerCase(),
    default: unhex(value as string),
    importance: (importance as string).toLowerCase(),
    internal: internal === 'true',
    update: update as string,
    brokerNames: (names as string).split(' ').filter((one) => one !== ''),
  };
}

function answerOf(line: string): ValueAnswer {
  const [kind, text] = line.split('\t') as [string, string];
  return kind === 'ok'
    ? { accepted: true, text: unhex(text) }
    : { accepted: false, reason: unhex(text) ?? '' };
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

function unhex(text: string): string | null {
  return text === '-' ? null : Buffer.from(text, 'hex').toString();
}
