// One member of a consumer group in a process of its own, so that it can be killed.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';

// CommonJS whose names Node cannot see.
const { Kafka, logLevel } = kafkajs;

type Report = { assigned: number } | { value: string };

export class Member {
  assigned = 0;
  readonly values: string[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  constructor(bootstrap: string, topic: string, group: string) {
    this.#child = fork(fileURLToPath(import.meta.url), [bootstrap, topic, group], { stdio: 'ignore' });
    this.#exit = once(this.#child, 'exit');
    this.#child.on('message', (report: Report) => {
      if ('assigned' in report) this.assigned = report.assigned;
      else this.values.push(report.value);
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    this.assigned = 0;
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [bootstrap = '', topic = '', groupId = ''] = process.argv.slice(2);
  const report = (what: Report) => process.send?.(what);
  const consumer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).consumer({
    groupId,
    sessionTimeout: 3000,
    heartbeatInterval: 500,
    rebalanceTimeout: 10_000,
    maxWaitTimeInMs: 200,
  });
  consumer.on('consumer.group_join', ({ payload }) => {
    report({ assigned: payload.memberAssignment[topic]?.length ?? 0 });
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      report({ value: message.value?.toString() ?? '' });
    },
  });
}
