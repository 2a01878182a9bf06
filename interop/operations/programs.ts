import { spawn } from 'node:child_process';
import { commonJvm, quickStartJvm } from '../../scripts/java-process.ts';
import { kafkaClassPath } from '../../scripts/kafka-jars.ts';

const TIMEOUT_MS = 120_000;

/** Runs a program to its end, without holding up what this process does meanwhile. @returns all that it printed */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject);
  child.on('close', resolve);
  const code = await promise;
  if (code === 0) return printed;
  throw new Error(`${program} ${args.at(-1)} ended with ${code}: ${printed.slice(-3000)}`);
}

/** A class of Apache Kafka 3.9's own tools. */
export function kafkaTool(name: string, ...args: readonly string[]): Promise<string> {
  const java = [...commonJvm, ...quickStartJvm, '-cp', kafkaClassPath('3.9'), name, ...args];
  return run('java', java);
}

export const kafkaTools = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  configs: 'kafka.admin.ConfigCommand',
  reassign: 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  elect: 'org.apache.kafka.tools.LeaderElectionCommand',
  consume: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
} as const;
