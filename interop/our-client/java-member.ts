// A consumer of Apache Kafka's own as a member of a group beside ours. Of 4.3, the newest with a console consumer
// that fits its client.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { commonJvm, quickStartJvm } from '../../scripts/java-process.ts';
import { jarsOfPom, projectDirectory } from '../../scripts/kafka-jars.ts';

const PACKAGE = 'org.apache.kafka.clients.consumer';

/** Java's name of each assignor. */
export const JAVA_ASSIGNORS = {
  range: `${PACKAGE}.RangeAssignor`,
  roundrobin: `${PACKAGE}.RoundRobinAssignor`,
  sticky: `${PACKAGE}.StickyAssignor`,
  'cooperative-sticky': `${PACKAGE}.CooperativeStickyAssignor`,
} as const;

/** Prints what it reads; `values` are the lines of it. */
export class JavaMember {
  readonly values: string[] = [];
  private readonly child: ChildProcess;
  private rest = '';

  constructor(bootstrap: string, groupId: string, topic: string, assignor: keyof typeof JAVA_ASSIGNORS) {
    const properties = {
      'partition.assignment.strategy': JAVA_ASSIGNORS[assignor],
      'auto.offset.reset': 'earliest',
      'heartbeat.interval.ms': '200',
      'auto.commit.interval.ms': '100',
    };
    const args = ['--bootstrap-server', bootstrap, '--topic', topic, '--group', groupId];
    for (const [name, value] of Object.entries(properties))
      args.push('--command-property', `${name}=${value}`);
    this.child = spawn(
      'java',
      [
        ...commonJvm,
        ...quickStartJvm,
        '-cp',
        `${jarsOfPom(join(projectDirectory, 'interop/kafka/4.3'))}/*`,
        'org.apache.kafka.tools.consumer.ConsoleConsumer',
        ...args,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    this.child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (this.rest + chunk.toString()).split('\n');
      this.rest = lines.pop()!;
      this.values.push(...lines.filter((line) => line.startsWith('v')));
    });
  }

  /** It leaves the group by itself. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}
